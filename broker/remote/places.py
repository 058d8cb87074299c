"""Where metadata documents stand, and which URLs belong together. Pure."""

from __future__ import annotations

import ipaddress
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from authplane.core.uris import fold_resource, origin

RESOURCE: Final = "oauth-protected-resource"
SERVER: Final = "oauth-authorization-server"
OPENID: Final = "openid-configuration"
LABELS: Final = 2


def inserted(url: str, kind: str) -> str:
    """The well-known place of ``url``: the kind stands between host and path.

    Spec: RFC 9728 section 3.1 and RFC 8414 section 3.1 (a slash that is all of the path is
    removed first).
    """
    parts = urlsplit(url)
    path = "" if parts.path == "/" else parts.path
    return urlunsplit((parts.scheme, parts.netloc, f"/.well-known/{kind}{path}", parts.query, ""))


def appended(url: str, kind: str) -> str:
    """The place after the path. Spec: OpenID Connect Discovery 1.0 section 4.1."""
    return f"{url.rstrip('/')}/.well-known/{kind}"


def resource_places(url: str) -> list[str]:
    """Where a server's metadata may stand when its challenge does not say, best first."""
    return _distinct(inserted(url, RESOURCE), inserted(origin(url), RESOURCE))


def issuer_places(issuer: str) -> list[str]:
    """Where an issuer's metadata may stand, in the order in which clients of MCP look.

    Spec: MCP 2025-11-25 authorization (server metadata discovery); the root comes last, for
    issuers with a path that publish there: the document has to name that issuer all the same.
    """
    bare = issuer.rstrip("/")
    return _distinct(
        inserted(bare, SERVER), inserted(bare, OPENID), appended(bare, OPENID),
        inserted(origin(issuer), SERVER),
    )  # fmt: skip


def is_about(resource: str, url: str, *, place: str) -> bool:
    """Whether metadata found at ``place`` that name ``resource`` are about the server at ``url``.

    They name the URL that is used; or a resource of the same origin that contains it, when they
    stand at that resource's own place, where only who controls that resource can put them: one
    tenant of a host could otherwise have tokens made out to the whole host, and then use them.

    Spec: RFC 9728 section 3.3 (MUST: identical, else not used).
    """
    if fold_resource(resource) == fold_resource(url):
        return True
    if "?" in resource or "#" in resource or origin(resource) != origin(url):
        return False
    above = urlsplit(resource).path.rstrip("/")
    inside = urlsplit(url).path.startswith(f"{above}/")
    return inside and inserted(resource.rstrip("/"), RESOURCE) == place


def is_same_issuer(named: str, expected: str) -> bool:
    """Whether a document names the issuer that was asked for.

    Compared as texts, but for the slash that is all of a path: libraries add it to a bare host,
    and both spellings have one and the same well-known place.

    Spec: RFC 8414 section 3.3 (MUST: identical).
    """
    return named == expected or (
        named.rstrip("/") == expected.rstrip("/") == origin(expected) and len(named) > 0
    )


def is_same_site(one: str, other: str) -> bool:
    """Whether two URLs are of one host, or of hosts whose last two labels are the same."""
    first, second = (urlsplit(url).hostname or "" for url in (one, other))
    if first == second:
        return bool(first)
    if _is_address(first) or _is_address(second):
        return False
    ends = [host.split(".")[-LABELS:] for host in (first, second)]
    return ends[0] == ends[1] and len(ends[0]) == LABELS


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _distinct(*urls: str) -> list[str]:
    return list(dict.fromkeys(urls))
