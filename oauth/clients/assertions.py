"""`private_key_jwt`: a client proves itself with a signed assertion (RFC 7523)."""

import math
from typing import Any, Final

from authplane.core.clock import numeric_date
from authplane.core.config import config
from authplane.core.jose import JoseError, unverified_claims
from authplane.core.replay import spend_once
from oauth.clients.signatures import signed_claims
from oauth.errors import OAuthError, Reason
from oauth.models import Client

MAX_LIFETIME: Final = 3600
"""Seconds an assertion may still be valid when it arrives: the default of widespread client
libraries. It is used once anyway; the limit bounds how long its id has to be remembered."""

MAX_JTI: Final = 255
TOKEN_PATH: Final = "/oauth/token"  # noqa: S105 - a path
PUSH_PATH: Final = "/oauth/par"
ACCEPTED_TYPES: Final = ("", "JWT", "client-authentication+jwt")
"""The type may be absent. A DPoP proof or an access token signed with the same key is neither."""


def unverified_subject(assertion: str) -> str:
    """The client the assertion claims to speak for; "" when it says none. Nobody has checked it.

    Spec: RFC 7523 section 3, check 2.
    """
    try:
        subject = unverified_claims(assertion).get("sub")
    except JoseError:
        return ""
    return subject if isinstance(subject, str) and _is_plain(subject) else ""


def verify_client_assertion(assertion: str, *, client: Client, endpoint: str, now: int) -> None:
    """The assertion was made by the client for this server, is timely, and cannot be used again.

    The id is spent last and always in the database: an assertion that fails for another reason
    may be sent again, and one that succeeded is remembered even when Redis lost its memory. Call
    it outside of a transaction, or a rollback would give the assertion back.

    `endpoint` is the absolute URL that was called, `now` seconds since 1970.

    Spec: RFC 7523 sections 2.2 and 3.
    Raises: OAuthError(CLIENT_ASSERTION_INVALID), OAuthError(CLIENT_ASSERTION_REPLAYED),
    OAuthError(TEMPORARILY_UNAVAILABLE) when the client's published keys cannot be had.
    """
    try:
        claims = signed_claims(
            assertion,
            client=client,
            registered_alg=client.token_endpoint_auth_signing_alg,
            typ=ACCEPTED_TYPES,
            now=now,
        )
    except JoseError:
        raise OAuthError(Reason.CLIENT_ASSERTION_INVALID) from None
    _require(claims.get("iss") == client.client_id)
    _require(claims.get("sub") == client.client_id)
    _require(is_for_us(claims.get("aud"), endpoint=endpoint))
    expires = require_timely(claims, now=now)
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 0 < len(jti) <= MAX_JTI or not jti.isprintable():
        raise OAuthError(Reason.CLIENT_ASSERTION_INVALID)
    lifetime = math.ceil(expires) - now + config().tokens.clock_skew + 1
    # Spec: RFC 7523 section 3, check 7 (MAY; MUST of our own).
    if not spend_once("client_assertion", f"{client.pk}:{jti}", ttl=lifetime, durable=True):
        raise OAuthError(Reason.CLIENT_ASSERTION_REPLAYED)


def is_for_us(audience: object, *, endpoint: str) -> bool:
    """The audience is one string: our issuer, or the endpoint where that is still accepted.

    A list is refused: an assertion for several servers can be replayed by each of them at the
    others.

    Spec: RFC 7523 section 3, check 3; draft-ietf-oauth-rfc7523bis (the issuer, as a string).
    """
    if not isinstance(audience, str):
        return False
    issuer = config().server.issuer
    if audience == issuer:
        return True
    if config().oauth.strict_assertion_audience:
        return False
    # RFC 9126 section 2: pushed requests also take the token endpoint's URL.
    pushing = endpoint == f"{issuer}{PUSH_PATH}"
    return audience == endpoint or (pushing and audience == f"{issuer}{TOKEN_PATH}")


def require_timely(
    claims: dict[str, Any], *, now: int, reason: Reason = Reason.CLIENT_ASSERTION_INVALID
) -> float:
    """When the assertion expires; it is valid now and not for much longer.

    Spec: RFC 7523 section 3, checks 4, 5 and 6. The upper limit is our policy.
    Raises: OAuthError(reason).
    """
    skew = config().tokens.clock_skew
    expires = numeric_date(claims.get("exp"))
    if expires is None or not now - skew < expires <= now + MAX_LIFETIME + skew:
        raise OAuthError(reason)
    for name in ("nbf", "iat"):
        if name in claims:
            begins = numeric_date(claims[name])
            if begins is None or begins > now + skew:
                raise OAuthError(reason)
    return expires


def _is_plain(text: str) -> bool:
    """What a client id is made of; anything else may not even reach the database."""
    return text.isascii() and text.isprintable()


def _require(holds: bool) -> None:
    if not holds:
        raise OAuthError(Reason.CLIENT_ASSERTION_INVALID)
