"""Which network addresses the server may connect to on behalf of others."""

from __future__ import annotations

import ipaddress
from typing import Final

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

GLOBAL_UNICAST_6: Final = ipaddress.IPv6Network("2000::/3")

NOT_PUBLIC_6: Final = tuple(
    map(
        ipaddress.IPv6Network,
        (
            "2001::/23",  # protocol assignments, Teredo among them: an IPv4 address inside
            "2001:db8::/32",  # documentation
            "2002::/16",  # 6to4: an IPv4 address inside
            "3fff::/20",  # documentation
        ),
    )
)
"""Ranges within global unicast that are no ordinary hosts.

Everything outside of 2000::/3 is refused anyway: loopback, link-local, unique local, multicast,
IPv4-mapped (::ffff:0:0/96) and NAT64 (64:ff9b::/96), the last two carrying IPv4 addresses.
"""

NOT_PUBLIC_4: Final = tuple(
    map(
        ipaddress.IPv4Network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",
            "240.0.0.0/4",
        ),
    )
)
"""Special-purpose IPv4 ranges. Listed here because the library's list differs between releases.

Spec: RFC 6890 section 2.2.2 and the registry that continues it.
"""


def is_public(address: str) -> bool:
    """Whether ``address`` is an ordinary host of the internet."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv4Address):
        return not any(parsed in network for network in NOT_PUBLIC_4)
    return parsed in GLOBAL_UNICAST_6 and not any(parsed in network for network in NOT_PUBLIC_6)


def is_reachable_private(address: str) -> bool:
    """Whether a host that an administrator allowed by name may live at ``address``.

    Private and loopback addresses, and public ones. Never link-local, where cloud metadata
    services answer, nor an address that hides another one inside.
    """
    if is_public(address):
        return True
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if parsed.is_link_local or parsed.is_multicast or parsed.is_unspecified or parsed.is_reserved:
        return False
    if isinstance(parsed, ipaddress.IPv6Address) and (
        parsed.ipv4_mapped or parsed.sixtofour or parsed.teredo
    ):
        return False
    return parsed.is_private or parsed.is_loopback
