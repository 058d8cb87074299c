"""Endpoints of a service whose operator was told its issuer alone."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

from authplane.core import fetch
from authplane.core.cache import TimedCache
from authplane.core.fetch import FetchFailed, FetchRefused
from broker.providers.settings import OAuthSettings
from broker.upstream.base import NotSent
from broker.upstream.reach import endpoint_in, reach_of

MAX_BYTES: Final = 256 * 1024
SECONDS: Final = 5.0
KEPT_FOR: Final = 3600.0
WELL_KNOWN: Final = "/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where a service is asked for consent, for tokens, and to forget them (may be empty).

    `signs_answers` says that each answer names its issuer in `iss` (RFC 9207 section 3).
    """

    authorize_url: str
    token_url: str
    revoke_url: str = ""
    signs_answers: bool = False


def endpoints_of(settings: OAuthSettings) -> Endpoints:
    """What was configured, completed by the issuer's own document.

    Raises: NotSent when the document is needed and cannot be had.
    """
    if settings.authorize_url and settings.token_url:
        return Endpoints(settings.authorize_url, settings.token_url, settings.revoke_url)
    found = _documents.get(settings.issuer)
    return Endpoints(
        settings.authorize_url or found.authorize_url,
        settings.token_url or found.token_url,
        settings.revoke_url or found.revoke_url,
    )


def signs_answers(settings: OAuthSettings) -> bool:
    """Whether the service has an issuer that promises `iss` in each answer.

    False as well when its document cannot be had: an answer's `iss` is compared all the same.
    """
    if not settings.issuer:
        return False
    try:
        return _documents.get(settings.issuer).signs_answers
    except NotSent:
        return False


def _load(issuer: str) -> Endpoints:
    """Spec: OpenID Connect Discovery 1.0 sections 4.1 and 4.3 (the issuer must be the same)."""
    reach = reach_of(issuer)
    try:
        answer = fetch.send(
            "GET", issuer.rstrip("/") + WELL_KNOWN,
            max_bytes=MAX_BYTES, timeout=SECONDS, reach=reach,
        )  # fmt: skip
    except (FetchRefused, FetchFailed) as failed:
        raise NotSent(f"discovery: {failed.reason}") from None
    document: dict[str, Any] = answer.json if isinstance(answer.json, dict) else {}
    if answer.status != HTTPStatus.OK or document.get("issuer") != issuer:
        raise NotSent("discovery: not the document of this issuer")
    urls = [
        endpoint_in(document, name)
        for name in ("authorization_endpoint", "token_endpoint", "revocation_endpoint")
    ]
    if not urls[0] or not urls[1]:
        raise NotSent("discovery: no endpoints")
    promises = document.get("authorization_response_iss_parameter_supported") is True
    return Endpoints(urls[0], urls[1], urls[2], promises)


_documents: TimedCache[str, Endpoints] = TimedCache("upstream_issuers", ttl=KEPT_FOR, load=_load)
