"""Signed request objects (RFC 9101): the parameters as the client signed them, and no others."""

from collections.abc import Mapping
from typing import Any, Final

from authplane.core.config import config
from authplane.core.jose import JoseError, unverified_claims
from authplane.core.replay import spend_once
from oauth.authorize.parameters import Parameters, from_pairs
from oauth.clients.assertions import MAX_JTI, MAX_LIFETIME, require_timely
from oauth.clients.policy import ASSERTION_ALGORITHMS
from oauth.clients.signatures import signed_claims
from oauth.errors import OAuthError, Reason
from oauth.models import Client

ALGORITHMS: Final = ASSERTION_ALGORITHMS
ACCEPTED_TYPES: Final = ("", "JWT", "oauth-authz-req+jwt")
"""The type may be absent (RFC 9101 section 10.8). DPoP proofs and tokens have types of their own,
and a client assertion without a type is told by its `sub`."""

_LISTS: Final = frozenset({"resource", "audience"})
_TEXTS: Final = frozenset({
    "response_type", "response_mode", "client_id", "redirect_uri", "scope", "state",
    "code_challenge", "code_challenge_method", "prompt", "max_age", "login_hint", "acr_values",
    "dpop_jkt", "resource", "audience",
})  # fmt: skip
"""Parameters that mean something here."""


def verified_parameters(text: str, *, client: Client, now: int) -> Parameters:
    """The parameters inside the object, which the client signed for us, and not long ago.

    `now` is in seconds since 1970: the moment at which the object is judged.

    Spec: RFC 9101 sections 4, 5.2 and 6.
    Raises: OAuthError(REQUEST_OBJECT_INVALID), OAuthError(TEMPORARILY_UNAVAILABLE).
    """
    claims = _claims(text, client=client, now=now)
    _require(claims.get("iss") == client.client_id)
    # RFC 9101 section 4: it names us. Of several audiences each could use it at the others.
    _require(claims.get("aud") in (config().server.issuer, [config().server.issuer]))
    # RFC 9101 section 10.8: an object that is also a client assertion would be worth both.
    _require(claims.get("sub") != client.client_id)
    # RFC 9101 section 6.3: the client_id outside and inside MUST be identical.
    _require(claims.get("client_id") == client.client_id)
    # RFC 9101 section 4: request and request_uri MUST NOT be included.
    _require("request" not in claims and "request_uri" not in claims)
    require_timely(claims, now=now, reason=Reason.REQUEST_OBJECT_INVALID)
    return from_pairs(_pairs(claims))


def spend_id(text: str, *, client: Client) -> None:
    """An object with an id is not accepted a second time; for objects that have been verified.

    Only for pushed requests. In the address of a browser an object comes twice by design, before
    and after sign-in, and there the challenge in it limits what a second use is worth.

    Raises: OAuthError(REQUEST_OBJECT_REPLAYED).
    """
    jti = unverified_claims(text).get("jti")
    if jti is None:
        return
    _require(isinstance(jti, str) and 0 < len(jti) <= MAX_JTI and jti.isprintable())
    lifetime = MAX_LIFETIME + 2 * config().tokens.clock_skew + 1
    if not spend_once("request_object", f"{client.pk}:{jti}", ttl=lifetime, durable=True):
        raise OAuthError(Reason.REQUEST_OBJECT_REPLAYED)


def peek(text: str) -> Parameters | None:
    """The parameters of an object that was verified before; None when there is none."""
    try:
        return from_pairs(_pairs(unverified_claims(text)))
    except (JoseError, OAuthError):
        return None


def _claims(text: str, *, client: Client, now: int) -> dict[str, Any]:
    try:
        return signed_claims(
            text,
            client=client,
            registered_alg=client.request_object_signing_alg,
            typ=ACCEPTED_TYPES,
            now=now,
        )
    except JoseError:
        raise OAuthError(Reason.REQUEST_OBJECT_INVALID) from None


def _pairs(claims: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The parameters with the values a query would have held.

    Numbers are written as JSON writes them (RFC 9101 section 4). A parameter of ours that is no
    text is refused; one that has no meaning here is left out, whatever it is.

    Raises: OAuthError(REQUEST_OBJECT_INVALID).
    """
    pairs: list[tuple[str, str]] = []
    for name in _TEXTS & claims.keys():
        value = claims[name]
        for single in value if isinstance(value, list) and name in _LISTS else [value]:
            is_text = isinstance(single, str | int) and not isinstance(single, bool)
            if not is_text or not _is_encodable(str(single)):
                raise OAuthError(Reason.REQUEST_OBJECT_INVALID)
            pairs.append((name, str(single)))
    return pairs


def _is_encodable(text: str) -> bool:
    """JSON can spell one half of a surrogate pair, which no database takes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _require(holds: bool) -> None:
    if not holds:
        raise OAuthError(Reason.REQUEST_OBJECT_INVALID)
