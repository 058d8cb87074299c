"""Verify an identity provider's assertion about a user (ID-JAG). Nothing is spent here.

The checks go from what costs nothing to what costs most: nobody's keys are asked for on behalf of
something that could not be accepted anyway.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from authplane.core.clock import numeric_date
from authplane.core.config import config
from authplane.core.jose import ASYMMETRIC, JoseError, unverified_claims, unverified_header
from oauth.errors import OAuthError, Reason
from oauth.federation.keys import verify_signed
from oauth.resources.scopes import parse_scope
from oauth.xaa.trust import Provider, find_provider

ASSERTION_TYPE: Final = "oauth-id-jag+jwt"
MAX_ID: Final = 255
MAX_SUBJECT: Final = 512
"""What the ledger can hold of `<issuer>:<subject>`."""
MAX_RESOURCES: Final = 20
MAX_URI: Final = 2048
FAR_FUTURE: Final = 1e11
_TIMES: Final = ("exp", "iat", "nbf")
ASSERTION_IDS: Final = "identity_assertion"
"""Namespace of the ids that were used."""
BINDINGS: Final = frozenset({"jkt", "x5t#S256"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """A verified assertion: its provider says that the client may act for the subject.

    `resources` is what it is for, empty when it does not say. `scope` is None when it does not
    say, and limits what can be had otherwise. `expires` is in seconds since 1970. `confirmation`
    is what its presenter has to prove to hold.
    """

    provider: Provider
    subject: str
    client_id: str
    jti: str
    expires: float
    resources: tuple[str, ...]
    scope: tuple[str, ...] | None
    confirmation: Mapping[str, str]


def trusted_provider(unverified_assertion: str) -> Provider:
    """The enabled identity provider that the assertion claims to come from.

    Spec: RFC 7523 section 3, check 1; RFC 8725 section 3.8.
    Raises: OAuthError(ASSERTION_MALFORMED), OAuthError(ASSERTION_ISSUER), OAuthError(IDP_DISABLED),
    OAuthError(ASSERTION_TYPE).
    """
    try:
        header, claims = (
            unverified_header(unverified_assertion),
            unverified_claims(unverified_assertion),
        )
    except JoseError:
        raise OAuthError(Reason.ASSERTION_MALFORMED) from None
    if header.get("alg") not in ASYMMETRIC:
        raise OAuthError(Reason.ASSERTION_MALFORMED)
    issuer = claims.get("iss")
    provider = find_provider(issuer) if isinstance(issuer, str) else None
    if provider is None:
        raise OAuthError(Reason.ASSERTION_ISSUER)
    if not provider.is_enabled:
        raise OAuthError(Reason.IDP_DISABLED)
    if str(header.get("typ", "")).lower().removeprefix("application/") != ASSERTION_TYPE:
        # An ID token or a client's assertion, signed with the same key, is not an ID-JAG.
        raise OAuthError(Reason.ASSERTION_TYPE)
    return provider


def verify_assertion(
    assertion: str, *, provider: Provider, now: datetime, judged_at: datetime | None = None
) -> Assertion:
    """The assertion is signed by ``provider``, meant for us, timely and complete.

    Its times are those of ``judged_at`` where that is given: for rehearsals of one that is over.

    Spec: RFC 7523 section 3, checks 1 to 9; ID-JAG draft, section "Validation".
    Raises: OAuthError: `invalid_grant`, or `temporarily_unavailable` when the provider's keys
    cannot be had.
    """
    try:
        claims = verify_signed(
            assertion,
            source=provider.keys,
            algorithms=ASYMMETRIC,
            types=(ASSERTION_TYPE,),
            now=now,
        )
    except JoseError:
        raise OAuthError(Reason.ASSERTION_SIGNATURE) from None
    expires = _require_timely(claims, now=(judged_at or now).timestamp())
    # Spec: RFC 7523 section 3, check 3. A list of several is refused: each of the others could
    # present the assertion here.
    if claims.get("aud") not in (provider.expected_audience, [provider.expected_audience]):
        raise OAuthError(Reason.ASSERTION_AUDIENCE)
    subject = _identifier(claims, "sub")
    if len(f"{provider.issuer}:{subject}") > MAX_SUBJECT:
        raise OAuthError(Reason.ASSERTION_CLAIMS)
    return Assertion(
        provider=provider,
        subject=subject,
        client_id=_identifier(claims, "client_id"),
        jti=_identifier(claims, "jti"),
        expires=expires,
        resources=_resources(claims.get("resource")),
        scope=_scope(claims.get("scope")),
        confirmation=_confirmation(claims.get("cnf")),
    )


def one_time_value(assertion: Assertion) -> str:
    """What is remembered of an assertion that was used: its provider and its id."""
    issuer = assertion.provider.issuer
    return f"{len(issuer)}:{issuer}:{assertion.jti}"


def require_presenter(assertion: Assertion, *, client_id: str, jkt: str, certificate: str) -> None:
    """The client that presents the assertion is the one it was made for, and holds its key.

    Spec: ID-JAG draft, section "Validation" (`client_id`); RFC 7800 section 3.1 (a confirmation
    must not be passed over).
    Raises: OAuthError(ASSERTION_CLIENT), OAuthError(ASSERTION_KEY).
    """
    if assertion.client_id != client_id:
        raise OAuthError(Reason.ASSERTION_CLIENT)
    proved = {"jkt": jkt, "x5t#S256": certificate}
    if any(not value or proved[name] != value for name, value in assertion.confirmation.items()):
        raise OAuthError(Reason.ASSERTION_KEY)


def _require_timely(claims: Mapping[str, Any], *, now: float) -> float:
    """When the assertion expires: later than now, and it was made a short while ago.

    Its age is measured without leeway: whoever intercepts one has that long and no longer.

    Spec: RFC 7523 section 3, checks 4 to 6. The age is our policy.
    Raises: OAuthError(ASSERTION_EXPIRED), OAuthError(ASSERTION_TOO_OLD),
    OAuthError(ASSERTION_CLAIMS).
    """
    skew = config().tokens.clock_skew
    said = {name: numeric_date(claims.get(name), before=FAR_FUTURE) for name in _TIMES}
    expires, issued = said["exp"], said["iat"]
    if expires is None or issued is None:
        raise OAuthError(Reason.ASSERTION_CLAIMS)
    begins = said["nbf"] if "nbf" in claims else issued
    if expires <= now - skew:
        raise OAuthError(Reason.ASSERTION_EXPIRED)
    if begins is None or max(begins, issued) > now + skew:
        raise OAuthError(Reason.ASSERTION_CLAIMS)
    if issued < now - config().xaa.max_assertion_age:
        raise OAuthError(Reason.ASSERTION_TOO_OLD)
    return expires


def _identifier(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= MAX_ID or not value.isprintable():
        raise OAuthError(Reason.ASSERTION_CLAIMS)
    return value


def _resources(value: object) -> tuple[str, ...]:
    """Spec: RFC 8707 section 2: one resource or a list of them."""
    values = value if isinstance(value, list) else [] if value is None else [value]
    if len(values) > MAX_RESOURCES:
        raise OAuthError(Reason.ASSERTION_CLAIMS)
    for uri in values:
        if not isinstance(uri, str) or not 0 < len(uri) <= MAX_URI:
            raise OAuthError(Reason.ASSERTION_CLAIMS)
    return tuple(values)


def _scope(value: object) -> tuple[str, ...] | None:
    """An empty scope is a limit as well: nothing may be had."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise OAuthError(Reason.ASSERTION_CLAIMS)
    try:
        return parse_scope(value)
    except OAuthError:
        raise OAuthError(Reason.ASSERTION_CLAIMS) from None


def _confirmation(value: object) -> Mapping[str, str]:
    """Raises: OAuthError(ASSERTION_KEY) for a binding of a kind that nobody here can prove."""
    if value is None:
        return {}
    if not isinstance(value, dict) or not value or not BINDINGS.issuperset(value):
        raise OAuthError(Reason.ASSERTION_KEY)
    return {name: str(bound) for name, bound in value.items()}
