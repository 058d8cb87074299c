"""Find the authorization server behind a remote MCP server, and believe only what fits together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from authplane.core.uris import origin
from broker import measures
from broker.remote import places
from broker.remote.challenges import Challenge, scopes_in
from broker.remote.errors import (
    FOREIGN_ENDPOINT,
    NO_METADATA,
    PKCE_UNSUPPORTED,
    WRONG_ISSUER,
    WRONG_RESOURCE,
    DiscoveryFailed,
)
from broker.remote.search import LIFETIMES, Search
from broker.upstream.reach import endpoint_in

SECONDS: Final = 10.0
MAX_ISSUERS: Final = 3
NOT_ASKED_FOR: Final = frozenset({
    "openid", "profile", "email", "address", "phone", "public_metadata", "private_metadata",
    "unsafe_metadata", "offline_access",
})  # fmt: skip
"""Scopes about who somebody is: a server is called with the token, nobody is identified by it."""

OFFLINE: Final = "offline_access"
CHALLENGED: Final = "www-authenticate"
WELL_KNOWN: Final = "rfc9728"
AT_ORIGIN: Final = "origin"
DEFAULTS: Final = "defaults"
MANUAL: Final = "manual"
"""What both are counted as: found without the server's own word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An authorization server. `lifetime` is seconds; `scopes` are what is to be asked for."""

    resource: str
    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    registration_endpoint: str = ""
    revocation_endpoint: str = ""
    scopes: tuple[str, ...] = ()
    auth_methods: tuple[str, ...] = ()
    supports_pkce: bool = True
    tells_issuer: bool = False
    takes_documents: bool = False
    method: str = WELL_KNOWN
    lifetime: int = LIFETIMES[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Leniency:
    """What an administrator permits for one server. Nothing, for servers that users add."""

    without_pkce: bool = False
    foreign_endpoints: bool = False


@dataclass(frozen=True, slots=True)
class _Described:
    """Metadata of a server that are about it, and how they were found."""

    document: dict[str, Any]
    method: str


def discover(
    url: str,
    *,
    challenge: Challenge,
    requires_auth: bool | None,
    leniency: Leniency,
    deadline: float,
    known_issuer: str = "",
) -> Found:
    """The authorization server of the MCP server at ``url``, whose ``challenge`` was read.

    Of several the one with ``known_issuer`` is preferred: that is where our client is known.
    ``deadline`` is of the monotonic clock.

    Spec: RFC 9728 section 5; RFC 8414; MCP 2025-11-25 and, for servers that are their own
    authorization server, 2025-03-26.
    Raises: DiscoveryFailed.
    """
    search = Search(deadline)
    named = CHALLENGED if challenge.resource_metadata else WELL_KNOWN
    with measures.discovering(named) as attempt:
        described = _protected_resource(url, challenge=challenge, search=search)
        if described is not None:
            return _described(
                described, challenge=challenge, search=search, leniency=leniency,
                known_issuer=known_issuer,
            )  # fmt: skip
        if challenge.resource_metadata or not requires_auth or search.is_doubtful:
            raise search.failure()
        attempt.succeeded = False
    with measures.discovering(MANUAL):
        return _own_server(url, challenge=challenge, search=search, leniency=leniency)


def _described(
    described: _Described,
    *,
    challenge: Challenge,
    search: Search,
    leniency: Leniency,
    known_issuer: str,
) -> Found:
    """The first of the authorization servers named by the server's metadata that can be had."""
    document = described.document
    scopes = challenge.scopes or scopes_in(document.get("scopes_supported"))
    named = [one for one in _texts(document.get("authorization_servers")) if origin(one)]
    named.sort(key=lambda issuer: not places.is_same_issuer(known_issuer, issuer))
    for issuer in named[:MAX_ISSUERS]:
        metadata = _server_metadata(issuer, search=search)
        if metadata is not None:
            return _found(
                metadata, resource=document["resource"], scopes=scopes, method=described.method,
                search=search, leniency=leniency,
            )  # fmt: skip
    raise search.failure()


def _protected_resource(url: str, *, challenge: Challenge, search: Search) -> _Described | None:
    """The metadata of the server."""
    methods = dict.fromkeys(places.resource_places(url), WELL_KNOWN)
    if challenge.resource_metadata:
        named = {challenge.resource_metadata: CHALLENGED}
        methods = named | methods | named
    for place, method in methods.items():
        document = search.document(place)
        if document is None:
            continue
        resource = document.get("resource")
        if isinstance(resource, str) and places.is_about(resource, url, place=place):
            return _Described(document, method)
        search.refusals.append(DiscoveryFailed(WRONG_RESOURCE))
    if any(refusal.code == WRONG_RESOURCE for refusal in search.refusals):
        raise DiscoveryFailed(WRONG_RESOURCE)
    return None


def _server_metadata(issuer: str, *, search: Search) -> dict[str, Any] | None:
    """The metadata of this issuer, from the first place that has them."""
    for place in places.issuer_places(issuer):
        document = search.document(place)
        if document is None:
            continue
        named = document.get("issuer")
        if isinstance(named, str) and places.is_same_issuer(named, issuer):
            return document
        search.refusals.append(DiscoveryFailed(WRONG_ISSUER))
    return None


def _own_server(url: str, *, challenge: Challenge, search: Search, leniency: Leniency) -> Found:
    """The authorization server that the MCP server is itself, at the root of its host.

    Spec: MCP 2025-03-26 authorization: metadata at the authorization base URL, which is the
    server's without its path; default endpoints where there are none.
    """
    base = origin(url)
    metadata = _server_metadata(base, search=search)
    if metadata is not None:
        scopes = challenge.scopes or scopes_in(metadata.get("scopes_supported"))
        return _found(
            metadata, resource=url, scopes=scopes, method=AT_ORIGIN, search=search,
            leniency=leniency,
        )  # fmt: skip
    if search.is_doubtful:
        raise search.failure()
    return Found(
        resource=url,
        issuer=base,
        authorization_endpoint=f"{base}/authorize",
        token_endpoint=f"{base}/token",
        registration_endpoint=f"{base}/register",
        scopes=wanted(challenge.scopes),
        method=DEFAULTS,
    )


def _found(
    metadata: dict[str, Any],
    *,
    resource: str,
    scopes: tuple[str, ...],
    method: str,
    search: Search,
    leniency: Leniency,
) -> Found:
    """What the metadata say, judged.

    Raises: DiscoveryFailed (no_metadata, pkce_unsupported, foreign_endpoint).
    """
    authorize = endpoint_in(metadata, "authorization_endpoint")
    token = endpoint_in(metadata, "token_endpoint")
    if not authorize or not token:
        raise DiscoveryFailed(NO_METADATA, "endpoints are missing or may not be called")
    # Spec: MCP 2025-11-25 authorization (MUST: refuse to proceed where it is not listed).
    supports_pkce = "S256" in _texts(metadata.get("code_challenge_methods_supported"))
    if not supports_pkce and not leniency.without_pkce:
        raise DiscoveryFailed(PKCE_UNSUPPORTED)
    tells_issuer = metadata.get("authorization_response_iss_parameter_supported") is True
    issuer = metadata["issuer"]
    if not (tells_issuer or leniency.foreign_endpoints or places.is_same_site(issuer, authorize)):
        # It could send users to an honest server where we are known, and get their codes from us.
        # Where answers name their issuer that is noticed; see RFC 9700 section 4.4.
        raise DiscoveryFailed(FOREIGN_ENDPOINT)
    return Found(
        resource=resource,
        issuer=issuer,
        authorization_endpoint=authorize,
        token_endpoint=token,
        registration_endpoint=endpoint_in(metadata, "registration_endpoint"),
        revocation_endpoint=endpoint_in(metadata, "revocation_endpoint"),
        scopes=wanted(scopes, offered=scopes_in(metadata.get("scopes_supported"))),
        auth_methods=tuple(_texts(metadata.get("token_endpoint_auth_methods_supported"))),
        supports_pkce=supports_pkce,
        tells_issuer=tells_issuer,
        takes_documents=metadata.get("client_id_metadata_document_supported") is True,
        method=method,
        lifetime=search.lifetime,
    )


def wanted(scopes: Iterable[str], *, offered: Iterable[str] = ()) -> tuple[str, ...]:
    """Scopes to ask for: those of the server, and to stay connected where that has to be asked for.

    None means that the parameter is left out, and the authorization server decides.
    """
    asked = tuple(scope for scope in scopes if scope not in NOT_ASKED_FOR)
    return (*asked, OFFLINE) if asked and OFFLINE in offered else asked


def _texts(value: Any) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
