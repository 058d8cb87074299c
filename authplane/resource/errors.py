"""Refusals of a protected resource, as data: what the caller is told and nothing more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

BEARER: Final = "Bearer"
DPOP: Final = "DPoP"


@dataclass(eq=False)
class Refused(Exception):
    """The request must not be served.

    `error` is the public code, "" for a request without credentials, which is told no code (RFC
    6750 section 3.1). `description` is constant text. `reason` is for the log alone. `scheme` is
    the one that the failure belongs to, "" when it belongs to none. The rest goes into the
    challenge where it is set.
    """

    status: int
    error: str = ""
    description: str = ""
    reason: str = ""
    scheme: str = ""
    scopes: tuple[str, ...] = ()
    acr_values: tuple[str, ...] = ()
    max_age: int | None = None
    nonce: str = ""

    def __str__(self) -> str:
        return self.reason or self.error or "no credentials"


@dataclass(eq=False)
class Unavailable(Exception):
    """What the decision needs could not be had; nobody is let in meanwhile (503).

    `reason` is for the log alone.
    """

    reason: str

    def __str__(self) -> str:
        return self.reason


def no_credentials() -> Refused:
    """The request carries no access token."""
    return Refused(401, reason="no credentials")


def bad_request(reason: str) -> Refused:
    """The request is not one that a client may make.

    Spec: RFC 6750 section 3.1 (`invalid_request`, 400).
    """
    return Refused(400, "invalid_request", "the request is malformed", reason)


def invalid_token(reason: str, *, scheme: str = "") -> Refused:
    """The token is not good here. Why is nobody's business but the operator's.

    Spec: RFC 6750 section 3.1 (`invalid_token`, 401).
    """
    description = "the access token is invalid, expired or not for this resource"
    return Refused(401, "invalid_token", description, reason, scheme)


def invalid_proof(reason: str) -> Refused:
    """The proof of possession does not hold. All defects of a proof look alike from outside.

    Spec: RFC 9449 section 7.1.
    """
    return Refused(401, "invalid_dpop_proof", "the DPoP proof is invalid", reason, DPOP)


def nonce_needed(nonce: str) -> Refused:
    """The proof has to carry this nonce.

    Spec: RFC 9449 section 9.
    """
    description = "the DPoP proof needs the nonce of this server"
    return Refused(401, "use_dpop_nonce", description, "no current nonce", DPOP, nonce=nonce)


def insufficient_scope(needed: tuple[str, ...]) -> Refused:
    """The token lacks a scope; the challenge names all that the operation needs.

    Spec: RFC 6750 section 3.1 (`insufficient_scope`, 403).
    """
    return Refused(
        403, "insufficient_scope", "the operation needs more scope", "scope", scopes=needed
    )


def insufficient_sign_in(*, acr_values: tuple[str, ...], max_age: int | None) -> Refused:
    """The user has to sign in anew, or in another way.

    Spec: RFC 9470 section 3.
    """
    return Refused(
        401,
        "insufficient_user_authentication",
        "the user must sign in again",
        "sign-in too old or too weak",
        acr_values=acr_values,
        max_age=max_age,
    )
