"""Who is calling, seen through a known number of proxies."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

from authplane.core.config import config

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import HttpRequest

UNKNOWN = "0.0.0.0"  # noqa: S104 - an address that means "none", nothing is bound to it
IPV6_SITE_BITS = 64


def client_address(request: HttpRequest) -> str:
    """The address of the caller.

    Each trusted proxy appends the address it was called from, so with ``n`` of them the n-th entry
    from the right was written by the outermost one. Everything further left came with the request
    and may be invented. Without trusted proxies the header is not read at all.
    """
    return caller_address(request.META)


def caller_address(meta: Mapping[str, Any]) -> str:
    """`client_address` from the request's environment."""
    peer: str = meta.get("REMOTE_ADDR") or UNKNOWN
    hops = config().server.trusted_proxies
    if not hops:
        return peer
    forwarded = [entry.strip() for entry in meta.get("HTTP_X_FORWARDED_FOR", "").split(",")]
    if len(forwarded) < hops:
        return peer
    return _address_in(forwarded[-hops]) or peer


def network_key(address: str) -> str:
    """What limits count by: the address, or the /64 of an IPv6 address.

    A subscriber gets at least a /64, so single IPv6 addresses cost an attacker nothing.
    """
    if ":" not in address:
        return address
    try:
        parsed = ipaddress.IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    site = int(parsed) >> IPV6_SITE_BITS << IPV6_SITE_BITS
    return f"{ipaddress.IPv6Address(site)}/{IPV6_SITE_BITS}"


def _address_in(entry: str) -> str | None:
    """The address of a forwarded entry, which may carry brackets and a port."""
    candidate = entry
    if entry.startswith("["):
        candidate = entry[1:].partition("]")[0]
    elif entry.count(":") == 1:
        candidate = entry.partition(":")[0]
    try:
        return str(ipaddress.ip_address(candidate))
    except ValueError:
        return None
