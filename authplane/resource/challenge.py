"""Say what is missing: status, `WWW-Authenticate` and a small JSON body. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from .config import Protection
from .errors import BEARER, DPOP, Refused, Unavailable
from .metadata import metadata_url

_PRINTABLE: Final = range(0x20, 0x7F)


@dataclass(frozen=True, slots=True)
class Answer:
    """A refusal on the wire. Headers may repeat."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def quoted(value: str) -> str:
    """A quoted-string; what has no place in one is dropped, so that no value breaks the header.

    Spec: RFC 9110 section 5.6.4.
    """
    safe = "".join(character for character in value if ord(character) in _PRINTABLE)
    return '"' + safe.replace("\\", "\\\\").replace('"', '\\"') + '"'


def answer(refusal: Refused | Unavailable, *, protection: Protection) -> Answer:
    """The response that tells a client what to do next."""
    if isinstance(refusal, Unavailable):
        return _response(503, "temporarily_unavailable", "try again", [("Retry-After", "5")])
    headers = [("WWW-Authenticate", value) for value in challenges(refusal, protection=protection)]
    if refusal.nonce:
        headers.append(("DPoP-Nonce", refusal.nonce))
    return _response(refusal.status, refusal.error, refusal.description, headers)


def challenges(refusal: Refused, *, protection: Protection) -> list[str]:
    """One challenge per scheme that would be accepted; only one of them carries the error.

    Each stands in a header of its own. The error goes with the scheme that failed, so that a
    client with a broken proof does not look at its token. The scopes are in every challenge: they
    are what a client without a token asks its user for.

    Spec: RFC 6750 section 3; RFC 9449 section 7.1; RFC 9470 section 3; RFC 9728 section 5.1.
    """
    schemes = {"off": (BEARER,), "supported": (BEARER, DPOP), "required": (DPOP,)}[protection.dpop]
    failed = refusal.scheme if refusal.scheme in schemes else schemes[0]
    scopes = refusal.scopes or protection.scopes
    written = []
    for scheme in sorted(schemes, key=lambda scheme: scheme != failed):
        members = _error(refusal) if scheme == failed else []
        if scopes:
            members.append(("scope", " ".join(scopes)))
        members.append(("resource_metadata", metadata_url(protection.resource)))
        if scheme == DPOP:
            members.append(("algs", " ".join(protection.algorithms)))
        written.append(f"{scheme} " + ", ".join(f"{name}={quoted(text)}" for name, text in members))
    return written


def _error(refusal: Refused) -> list[tuple[str, str]]:
    if not refusal.error:
        return []
    members = [("error", refusal.error), ("error_description", refusal.description)]
    if refusal.acr_values:
        members.append(("acr_values", " ".join(refusal.acr_values)))
    if refusal.max_age is not None:
        members.append(("max_age", str(refusal.max_age)))
    return members


def _response(status: int, error: str, description: str, headers: list[tuple[str, str]]) -> Answer:
    body = {"error": error or "unauthorized"}
    if description:
        body["error_description"] = description
    fixed = [("Content-Type", "application/json"), ("Cache-Control", "no-store")]
    return Answer(status, (*fixed, *headers), json.dumps(body).encode())
