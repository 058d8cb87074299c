"""Who is calling."""

from __future__ import annotations

import pytest
from django.test import RequestFactory

from authplane.core.config import override_config
from authplane.core.network import UNKNOWN, client_address, network_key


def address(forwarded=None, *, proxies, peer="10.0.0.1"):
    headers = {} if forwarded is None else {"x-forwarded-for": forwarded}
    request = RequestFactory().get("/", headers=headers, REMOTE_ADDR=peer)
    with override_config(server={"trusted_proxies": proxies}):
        return client_address(request)


def test_without_trusted_proxies_the_header_is_ignored():
    assert address("1.2.3.4", proxies=0) == "10.0.0.1"


@pytest.mark.parametrize(
    ("forwarded", "proxies", "expected"),
    [
        ("1.2.3.4", 1, "1.2.3.4"),
        ("6.6.6.6, 1.2.3.4", 1, "1.2.3.4"),
        ("6.6.6.6,1.2.3.4, 10.0.0.2", 2, "1.2.3.4"),
        ("1.2.3.4:5678", 1, "1.2.3.4"),
        ("[2001:db8::1]:5678", 1, "2001:db8::1"),
        ("2001:DB8::1", 1, "2001:db8::1"),
        ("unknown", 1, "10.0.0.1"),
        ("<script>", 1, "10.0.0.1"),
        ("1.2.3.4", 2, "10.0.0.1"),
        ("", 1, "10.0.0.1"),
        (None, 1, "10.0.0.1"),
    ],
)
def test_the_entry_of_the_outermost_trusted_proxy_counts(forwarded, proxies, expected):
    assert address(forwarded, proxies=proxies) == expected


def test_a_peer_without_an_address_is_still_one_caller():
    assert address(proxies=0, peer="") == UNKNOWN


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ("1.2.3.4", "1.2.3.4"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:1.2.3.4", "1.2.3.4"),
        ("x:y", "x:y"),
    ],
)
def test_callers_are_counted_by_network(given, key):
    assert network_key(given) == key
