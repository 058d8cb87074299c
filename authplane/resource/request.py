"""Take the credentials out of a request: one of them, in the header, or none."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote_plus

from .errors import BEARER, DPOP, Refused, bad_request, no_credentials

_MAX_TOKEN: Final = 16_384
# RFC 6750 section 2.1, RFC 9449 section 7.1: the b64token of RFC 9110 section 11.2.
_B64TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*")
_SCHEMES: Final = {"bearer": BEARER, "dpop": DPOP}


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A request as far as its credentials go.

    `url` is how the caller addressed it, without trusting a Host header. `authorization` and
    `proofs` are every value of `Authorization` and `DPoP`. `certificate` is the caller's, in DER,
    verified by whoever ended TLS.
    """

    method: str
    url: str
    authorization: tuple[str, ...] = ()
    proofs: tuple[str, ...] = ()
    query: str = ""
    certificate: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Presented:
    """An access token with the scheme it was presented under, not verified yet."""

    scheme: str
    unverified_token: str = field(repr=False)


def values_of(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> tuple[str, ...]:
    """Every value of a header, each as it was sent."""
    return tuple(value.decode("latin-1") for key, value in headers if key.lower() == name)


def presented_token(incoming: Incoming) -> Presented:
    """The one token of the request.

    A token in the URL is refused even when it would be good: it already lies in logs and
    histories, and accepting it invites the next.

    Spec: RFC 6750 sections 2, 2.1 and 2.3; RFC 9449 section 7.1.
    Raises: Refused.
    """
    if _names_token(incoming.query):
        raise bad_request("token in the query")
    if not incoming.authorization:
        raise no_credentials()
    if len(incoming.authorization) > 1:
        raise bad_request("several Authorization headers")
    scheme, separator, token = incoming.authorization[0].partition(" ")
    known = _SCHEMES.get(scheme.lower())
    if known is None:
        raise no_credentials()
    token = token.strip(" ")
    if not separator or not _B64TOKEN.fullmatch(token):
        raise _malformed(known)
    if len(token) > _MAX_TOKEN:
        raise _malformed(known)
    return Presented(known, token)


def _names_token(query: str) -> bool:
    return any(
        unquote_plus(pair.partition("=")[0]) == "access_token" for pair in query.split("&") if pair
    )


def _malformed(scheme: str) -> Refused:
    refused = bad_request("credentials malformed")
    refused.scheme = scheme
    return refused
