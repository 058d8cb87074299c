"""Verify a workload's token: who signed it, for whom, how long ago, and which client it makes.

The checks go from what costs nothing to what costs most, and nothing is spent here. A token may be
presented again until it expires, as platforms hand the same one to a workload for its whole life;
a rule can demand single use.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from authplane.core.clock import numeric_date
from authplane.core.config import config
from authplane.core.jose import JoseError, unverified_claims, unverified_header
from oauth.errors import OAuthError, Reason
from oauth.federation.keys import verify_signed
from oauth.federation.patterns import MAX_SUBJECT
from oauth.federation.rules import Rule, first_match
from oauth.federation.selectors import TrustedIssuer, find_issuer

MAX_JTI: Final = 255
IDENTITY_ASSERTION: Final = "oauth-id-jag+jwt"
SPIFFE_SCHEME: Final = "spiffe://"
BINDINGS: Final = frozenset({"jkt", "x5t#S256"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """A workload whose token was verified, and the client that it is.

    `expires` is when its token ends, in seconds since 1970. `confirmation` is the token's `cnf`
    claim: what the presenter has to prove to hold, empty when nothing. `jti` is empty unless the
    token may be presented once only.
    """

    issuer: TrustedIssuer
    subject: str
    client_id: str
    expires: float
    confirmation: dict[str, str]
    jti: str


def workload_issuer(assertion: str) -> TrustedIssuer | None:
    """The registered issuer that the assertion claims to come from. Nobody has checked it.

    An issuer may be an identity provider as well; its assertions about users are none of a
    workload. A JWT-SVID need not have an `iss`: its trust domain, `spiffe://example.org`, stands
    for it.
    """
    try:
        if unverified_header(assertion).get("typ") == IDENTITY_ASSERTION:
            return None
        claims = unverified_claims(assertion)
    except JoseError:
        return None
    return find_issuer(_issuer_of(claims))


def verify_workload(assertion: str, *, issuer: TrustedIssuer, now: datetime) -> Workload:
    """The workload that the token speaks for, and the client it is by the first rule it meets.

    Spec: RFC 7523 section 3; JWT-SVID sections 2 to 4; SEP-1933, step 8.
    Raises: OAuthError: `invalid_grant` for a token that is not good, `access_denied` for a good one
    that no rule knows, `temporarily_unavailable` when the issuer's keys cannot be had.
    """
    if not issuer.is_enabled:
        raise OAuthError(Reason.WORKLOAD_ISSUER_DISABLED)
    claims = _signed_claims(assertion, issuer=issuer, now=now)
    if _issuer_of(claims) != issuer.issuer:
        raise OAuthError(Reason.WORKLOAD_TOKEN_INVALID)
    _require_for_us(claims.get("aud"), issuer=issuer)
    expires = _require_timely(claims, now=int(now.timestamp()))
    subject = claims.get("sub")
    if not isinstance(subject, str) or not _is_plain(subject, longest=MAX_SUBJECT):
        raise OAuthError(Reason.WORKLOAD_SUBJECT_MISSING)
    rule = first_match(issuer.rules, subject=subject, claims=claims)
    if rule is None:
        raise OAuthError(Reason.WORKLOAD_UNMATCHED)
    return Workload(
        issuer=issuer,
        subject=subject,
        client_id=rule.client_id,
        expires=expires,
        confirmation=_confirmation(claims),
        jti=_once(claims, rule=rule),
    )


def require_bound(workload: Workload, *, jkt: str, certificate: str) -> None:
    """Whoever presents the token has proved to hold the key or certificate it is bound to.

    Spec: RFC 7800 section 3.1: a confirmation that is not understood must not be passed over.
    Raises: OAuthError(WORKLOAD_NOT_PROVED).
    """
    proved = {"jkt": jkt, "x5t#S256": certificate}
    for name, value in workload.confirmation.items():
        if not value or proved.get(name) != value:
            raise OAuthError(Reason.WORKLOAD_NOT_PROVED)


def _issuer_of(claims: dict[str, Any]) -> str:
    issuer = claims.get("iss")
    if issuer is not None:
        return issuer if isinstance(issuer, str) else ""
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject.startswith(SPIFFE_SCHEME):
        return ""
    domain = subject.removeprefix(SPIFFE_SCHEME).partition("/")[0]
    return SPIFFE_SCHEME + domain


def _signed_claims(assertion: str, *, issuer: TrustedIssuer, now: datetime) -> dict[str, Any]:
    """The claims, signed by a key of the issuer with an algorithm and a type of its kind.

    Raises: OAuthError.
    """
    preset = issuer.preset
    try:
        header = unverified_header(assertion)
        if (preset.needs_kid and not header.get("kid")) or not _is_text(header.get("typ")):
            raise OAuthError(Reason.WORKLOAD_TOKEN_INVALID)
        return verify_signed(
            assertion,
            source=issuer.keys,
            algorithms=preset.algorithms,
            types=preset.types,
            now=now,
        )
    except JoseError:
        raise OAuthError(Reason.WORKLOAD_TOKEN_INVALID) from None


def _require_for_us(audience: object, *, issuer: TrustedIssuer) -> None:
    """The token is meant for us and for nobody else: a string, or a list of one.

    Whoever else may receive a token could present it here.

    Spec: RFC 7523 section 3, check 3. Deviates: several audiences are refused.
    Raises: OAuthError(WORKLOAD_AUDIENCE).
    """
    ours = issuer.audience or config().server.issuer
    if audience not in (ours, [ours]):
        raise OAuthError(Reason.WORKLOAD_AUDIENCE)


def _require_timely(claims: dict[str, Any], *, now: int) -> float:
    """When the token expires: later than now, and it is not older than the configured age.

    A token that does not tell its age must not live longer than that.

    Spec: RFC 7523 section 3, checks 4 to 6. The age is our policy, against tokens that leak.
    Raises: OAuthError(WORKLOAD_EXPIRED), OAuthError(WORKLOAD_TOO_OLD).
    """
    skew, oldest = config().tokens.clock_skew, config().workload.max_token_age
    expires = numeric_date(claims.get("exp"))
    if expires is None or expires <= now - skew:
        raise OAuthError(Reason.WORKLOAD_EXPIRED)
    for name in ("nbf", "iat"):
        begins = numeric_date(claims[name]) if name in claims else 0.0
        if begins is None or begins > now + skew:
            raise OAuthError(Reason.WORKLOAD_TOKEN_INVALID)
    issued = numeric_date(claims.get("iat"))
    if (expires > now + oldest) if issued is None else (issued < now - oldest):
        raise OAuthError(Reason.WORKLOAD_TOO_OLD)
    return expires


def _confirmation(claims: dict[str, Any]) -> dict[str, str]:
    """What the token is bound to; each member has to be proved.

    Raises: OAuthError(WORKLOAD_NOT_PROVED) for a binding of a kind that nobody here can prove.
    """
    bound = claims.get("cnf")
    if bound is None:
        return {}
    if not isinstance(bound, dict) or not bound or not BINDINGS.issuperset(bound):
        raise OAuthError(Reason.WORKLOAD_NOT_PROVED)
    return {name: str(value) for name, value in bound.items()}


def _once(claims: dict[str, Any], *, rule: Rule) -> str:
    """The id by which a token for one use is remembered; "" for one that may come again.

    Raises: OAuthError(WORKLOAD_TOKEN_INVALID) when such a token has none.
    """
    if not rule.single_use:
        return ""
    jti = claims.get("jti")
    if not isinstance(jti, str) or not _is_plain(jti, longest=MAX_JTI):
        raise OAuthError(Reason.WORKLOAD_TOKEN_INVALID)
    return jti


def _is_text(value: object) -> bool:
    """Absent, or a string."""
    return value is None or isinstance(value, str)


def _is_plain(text: str, *, longest: int) -> bool:
    """What can be written down: neither empty nor endless, without control characters."""
    return 0 < len(text) <= longest and text.isprintable()
