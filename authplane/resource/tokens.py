"""Judge the claims of an access token: whose it is, for whom, and when. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from .config import Protection
from .errors import invalid_token
from .issuer import Issuer
from .signatures import BadSignature, claims_under, header_of, is_time, type_of
from .token import Token
from .work import Steps

_TEXTS: Final = ("iss", "sub", "client_id", "jti")
_BINDINGS: Final = frozenset({"jkt", "x5t#S256"})


def read_signed(unverified_token: str, *, protection: Protection, issuer: Issuer) -> Steps[Token]:
    """The token behind a JWT that the issuer signed for this resource.

    Spec: RFC 9068 section 4. Raises: Refused; Unavailable when the keys cannot be had.
    """
    algorithm, kid = _named_key(unverified_token, protection=protection)
    jwk = yield from issuer.key(kid)
    if jwk is None:
        raise invalid_token("the issuer does not publish this key")
    try:
        claims = claims_under(unverified_token, jwk=jwk, algorithm=algorithm)
    except BadSignature as defect:
        raise invalid_token(str(defect)) from None
    if not all(isinstance(claims.get(name), str) and claims[name] for name in _TEXTS):
        raise invalid_token("a required claim is missing")
    if not is_time(claims.get("iat")):
        raise invalid_token("iat is missing")
    return judged(unverified_token, claims, protection=protection)


def _named_key(unverified_token: str, *, protection: Protection) -> tuple[str, str]:
    """Algorithm and key id of what calls itself an access token. Raises: Refused."""
    try:
        header = header_of(unverified_token)
    except BadSignature as defect:
        raise invalid_token(str(defect)) from None
    if type_of(header) != "at+jwt":
        raise invalid_token("typ is not at+jwt")
    algorithm, kid = header.get("alg"), header.get("kid")
    if algorithm not in protection.algorithms or not isinstance(kid, str):
        raise invalid_token("alg or kid is not acceptable")
    return str(algorithm), kid


def judged(value: str, claims: Mapping[str, Any], *, protection: Protection) -> Token:
    """The token that these trustworthy claims describe, if it is good here and now.

    Its audience is this resource and nothing else: a token that works elsewhere as well can be
    used against us by whoever receives it there.

    Raises: Refused.
    """
    if claims.get("iss") != protection.issuer:
        raise invalid_token("another issuer")
    if claims.get("aud") not in (protection.resource, [protection.resource]):
        raise invalid_token("another audience")
    now = protection.clock()
    _require_in_force(claims, now=now, skew=protection.skew)
    scope = claims.get("scope", "")
    if not isinstance(scope, str):
        raise invalid_token("scope is not a text")
    bound = bindings(claims)
    return Token(
        value=value,
        subject=str(claims.get("sub", "")),
        client_id=str(claims.get("client_id", "")),
        scopes=tuple(scope.split()),
        resource=protection.resource,
        issuer=protection.issuer,
        issued_at=int(claims.get("iat", 0)),
        expires_at=int(claims["exp"]),
        jti=str(claims.get("jti", "")),
        claims=claims,
        jkt=bound.get("jkt", ""),
        certificate=bound.get("x5t#S256", ""),
        now=now,
        skew=protection.skew,
    )


def bindings(claims: Mapping[str, Any]) -> dict[str, str]:
    """What the token is bound to; a kind of binding that we cannot check is not overlooked.

    Spec: RFC 7800 section 3.1; RFC 9449 section 6.1; RFC 8705 section 3.1. Raises: Refused.
    """
    if "cnf" not in claims:
        return {}
    bound = claims["cnf"]
    if not isinstance(bound, dict) or not bound or not set(bound) <= _BINDINGS:
        raise invalid_token("bound in an unknown way")
    if not all(isinstance(value, str) and value for value in bound.values()):
        raise invalid_token("bound in an unknown way")
    return bound


def _require_in_force(claims: Mapping[str, Any], *, now: float, skew: int) -> None:
    expires, begins, issued = claims.get("exp"), claims.get("nbf"), claims.get("iat")
    if not is_time(expires) or now >= expires + skew:
        raise invalid_token("expired")
    for moment in (begins, issued):
        if moment is not None and (not is_time(moment) or now < moment - skew):
            raise invalid_token("not valid yet")
