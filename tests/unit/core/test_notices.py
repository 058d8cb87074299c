"""What an operator is told at start."""

from __future__ import annotations

import pytest

from authplane.core.config import override_config
from authplane.core.notices import notices

PUBLIC = {"issuer": "https://auth.example.com"}
QUIET = {
    "server": PUBLIC,
    "dcr": {"mode": "admin_only"},
    "storage": {"redis_url": "redis://redis"},
    "logging": {"level": "info"},
}


def told(**areas):
    with override_config(**{**QUIET, **areas}) as config:
        return list(notices(config))


def test_a_careful_configuration_needs_no_words():
    assert told() == []


@pytest.mark.parametrize(
    ("areas", "word"),
    [
        ({"dcr": {"mode": "open"}}, "DCR_MODE"),
        ({"rate_limit": {"enabled": False}}, "RATE_LIMIT_ENABLED"),
        ({"rate_limit": {"auth_fail_max": 0}}, "AUTH_FAIL_MAX"),
        ({"storage": {"redis_url": ""}}, "REDIS_URL"),
        ({"cimd": {"allowed_private_hosts": ("a",)}}, "private addresses"),
        ({"logging": {"level": "debug"}}, "debug"),
    ],
)
def test_unusual_choices_are_named(areas, word):
    (notice,) = told(**areas)

    assert word in notice.body


def test_on_localhost_nothing_is_unusual():
    assert told(server={"issuer": "http://localhost:9000"}, dcr={"mode": "open"}) == []
