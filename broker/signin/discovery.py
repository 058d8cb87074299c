"""What an identity provider publishes about itself, kept for as long as it says."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Final

from authplane.core.cache import TimedCache
from broker.signin.errors import ProviderDown
from broker.upstream.reach import endpoint_in, reach_of
from oauth.clients import fetching
from oauth.federation.keys import KeySource

PLACE: Final = "/.well-known/openid-configuration"
MAX_BYTES: Final = 256 * 1024
STALE_FOR: Final = 3600.0
"""Seconds for which a document counts after its time while nobody can fetch it anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """The parts of a discovery document that are used here. Absent endpoints are empty.

    `signs_answers` says that each answer names its issuer in `iss` (RFC 9207 section 3).
    """

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    end_session_endpoint: str = ""
    scopes: frozenset[str] = frozenset()
    auth_methods: frozenset[str] = frozenset({"client_secret_basic"})
    signs_answers: bool = False

    def keys(self) -> KeySource:
        """Where its keys are, and what may be reached to have them."""
        reach = reach_of(self.jwks_uri)
        return KeySource(
            issuer=self.issuer,
            jwks_uri=self.jwks_uri,
            private_hosts=tuple(reach.private_hosts),
            http=reach.http,
        )


@dataclass(slots=True)
class _Slot:
    published: Published | None = None
    fresh_until: float = 0.0


_slots: TimedCache[str, _Slot] = TimedCache(
    "identity_provider_documents", ttl=86400.0, load=lambda _issuer: _Slot()
)


def published_by(issuer: str) -> Published:
    """The issuer's document: fetched anew when its headers say so, 5 minutes to a day later.

    Raises: ProviderDown.
    """
    slot, now = _slots.get(issuer), time.time()
    if slot.published is not None and now < slot.fresh_until:
        return slot.published
    try:
        slot.published, lifetime = _fetch(issuer)
    except fetching.Unavailable as away:
        if slot.published is not None and now < slot.fresh_until + STALE_FOR:
            return slot.published
        raise ProviderDown(f"discovery: {away}") from None
    slot.fresh_until = now + lifetime
    return slot.published


def forget(issuer: str) -> None:
    """The document is fetched anew at its next use: what it led to did not answer."""
    _slots.drop(issuer)


def _fetch(issuer: str) -> tuple[Published, int]:
    """Spec: OpenID Connect Discovery 1.0 sections 4.1 and 4.3 (MUST: `issuer` is the same).

    Raises: fetching.Unavailable; ProviderDown for a document that cannot be used.
    """
    reach = reach_of(issuer)
    try:
        answer = fetching.fetch_published(
            issuer.removesuffix("/") + PLACE,
            max_bytes=MAX_BYTES,
            private_hosts=reach.private_hosts,
            http=reach.http,
        )
    except fetching.Rejected as refused:
        raise ProviderDown(f"discovery: {refused}") from None
    document = answer.json
    if not isinstance(document, dict) or document.get("issuer") != issuer:
        raise ProviderDown("discovery: not the document of this issuer")
    return _read(document), answer.lifetime


def _read(document: dict[str, Any]) -> Published:
    challenges = document.get("code_challenge_methods_supported")
    if challenges is not None and "S256" not in _names(challenges):
        # Named and without S256. Many providers know S256 and do not say so.
        raise ProviderDown("discovery: S256 is not supported")
    endpoints = {
        name: endpoint_in(document, name)
        for name in (
            "authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint",
            "end_session_endpoint",
        )
    }  # fmt: skip
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        if not endpoints[name]:
            raise ProviderDown(f"discovery: no {name} that can be used")
    methods = document.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    return Published(
        issuer=document["issuer"],
        **endpoints,
        scopes=_names(document.get("scopes_supported")),
        auth_methods=_names(methods),
        signs_answers=document.get("authorization_response_iss_parameter_supported") is True,
    )


def _names(value: Any) -> frozenset[str]:
    values = value if isinstance(value, list) else []
    return frozenset(one for one in values if isinstance(one, str))
