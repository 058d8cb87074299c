"""Who a request comes from: the holder of a token of the proxy, or of an API key."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from audit import record
from audit.events import ApiKeyRefused
from authplane.core.jose import unverified_claims
from broker.dataplane import refusals
from broker.dataplane.often import Seldom
from broker.keys.admission import KeyInvalid, KeyRefused, TooOften, admit
from broker.keys.secret import presented_key
from broker.proxies.selectors import Proxy
from broker.proxies.verification import holder_of

BEARER, DPOP = "bearer", "dpop"
MAX_TOKEN: Final = 8 * 1024

_refused_lately = Seldom()


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The user behind the request. Exactly one of `jti` and `key_id` is there."""

    user_id: uuid.UUID
    client: str
    scopes: tuple[str, ...] = ()
    jti: uuid.UUID | None = None
    key_id: uuid.UUID | None = None


def caller_of(environ: Mapping[str, str], *, proxy: Proxy, now: datetime) -> Caller:
    """The caller, with one request of an API key's minute taken.

    An API key that is shown decides alone: a token beside it is not looked at.

    Raises: Refusal.
    """
    key = presented_key(environ)
    if key is not None:
        return _holder_of_key(key, proxy=proxy, now=now)
    scheme, _, value = environ.get("HTTP_AUTHORIZATION", "").strip().partition(" ")
    token = value.strip()
    if scheme.lower() == DPOP:
        raise refusals.bound_token()
    if scheme.lower() != BEARER or not token:
        raise refusals.no_credential()
    return _holder_of_token(token, proxy=proxy, now=now)


def _holder_of_token(token: str, *, proxy: Proxy, now: datetime) -> Caller:
    holder = holder_of(proxy, token, now=now) if len(token) <= MAX_TOKEN else None
    if holder is None:
        raise refusals.bad_token()
    # Whoever copied a bound token must not get by without its key. The signature was checked.
    # Spec: RFC 9449 section 7.2 (MUST NOT accept a bound token as a bearer token).
    if "cnf" in unverified_claims(token):
        raise refusals.bound_token()
    return Caller(
        user_id=holder.user_id, client=holder.client_id, scopes=holder.scopes, jti=holder.jti
    )


def _holder_of_key(key: str, *, proxy: Proxy, now: datetime) -> Caller:
    try:
        holder = admit(key, proxy_id=proxy.id, now=now)
    except KeyRefused as refused:
        _tell(refused, proxy=proxy, now=now)
        if isinstance(refused, TooOften):
            raise refusals.too_often(refused.verdict.headers()) from None
        if isinstance(refused, KeyInvalid):
            raise refusals.bad_key() from None
        raise refusals.no_access() from None
    return Caller(user_id=holder.user_id, client=f"api_key:{holder.key_id}", key_id=holder.key_id)


def _tell(refused: KeyRefused, *, proxy: Proxy, now: datetime) -> None:
    """A key that we know stands in the record with its refusal, at most once a minute.

    Keys that nobody has are only counted: their callers must not be able to fill the record.
    """
    if refused.key_id is None:
        return
    if _refused_lately.is_due((refused.key_id, proxy.id, refused.reason), now=now):
        event = ApiKeyRefused(id=str(refused.key_id), proxy=proxy.slug, reason=refused.reason)
        record.record_refusal(event)
