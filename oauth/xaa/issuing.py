"""Make identity assertions (ID-JAG): we are the identity provider, another server redeems them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from authplane.core.config import config
from authplane.core.ids import uuid7
from oauth.errors import OAuthError, Reason
from oauth.keys.signing import sign_compact
from oauth.keys.store import signing_key
from oauth.models import Client
from oauth.resources.scopes import parse_scope
from oauth.tokens.authorization import Authorization
from oauth.tokens.minting import MintedAccess
from oauth.xaa.audiences import Audience, find_audience, permitted_resource, permitted_scope
from oauth.xaa.subjects import Subject, read_subject, require_held

ID_JAG: Final = "urn:ietf:params:oauth:token-type:id-jag"
TYPE: Final = "oauth-id-jag+jwt"
KIND: Final = "assertion"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a client asks to have asserted. Nothing of it has been checked."""

    parameters: Mapping[str, str]
    audiences: tuple[str, ...]
    resources: tuple[str, ...]

    @classmethod
    def of(
        cls, parameters: Mapping[str, str], *, audiences: tuple[str, ...], values: Iterable[str]
    ) -> Wanted:
        """From a request whose `values` are those of `resource` and `audience` together."""
        rest = Counter(values) - Counter(audiences)
        return cls(parameters=parameters, audiences=audiences, resources=tuple(rest))


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """A decision to assert a user. Whoever holds one has passed every check."""

    authorization: Authorization
    client_there: str
    resource: str
    email: str


def decide_assertion(
    wanted: Wanted, *, client: Client, jkt: str, certificate: str, now: datetime
) -> Assertion:
    """The user behind the subject token may be asserted as wished; nothing is spent or written.

    The assertion lives five minutes at most and never longer than its subject token. It is bound
    to the key that the client proved, when it proved one.

    Spec: ID-JAG draft, section "Token Exchange"; RFC 8693 section 2.
    Raises: OAuthError.
    """
    audience = _audience_of(wanted, client=client)
    resource = permitted_resource(audience, wanted.resources)
    scope = permitted_scope(audience, parse_scope(wanted.parameters.get("scope")))
    subject = _subject_of(wanted, client=client, now=now)
    require_held(subject, jkt=jkt, certificate=certificate)
    lifetime = min(config().tokens.assertion_ttl, int((subject.expires - now).total_seconds()))
    if lifetime <= 0:
        raise OAuthError(Reason.SUBJECT_TOKEN_INVALID)
    return Assertion(
        authorization=_authorization(
            subject, client=client, audience=audience, scope=scope, lifetime=lifetime, jkt=jkt
        ),
        client_there=audience.client_there(client.client_id),
        resource=resource,
        email=subject.email,
    )


def sign_assertion(assertion: Assertion, *, now: datetime) -> MintedAccess:
    """The signed assertion. Its id is the id of its future ledger row.

    Its type keeps it apart from access tokens, which the same keys sign.

    Spec: ID-JAG draft, section "Identity Assertion JWT Authorization Grant"; RFC 8725 section 3.11.
    """
    jti, issued_at = uuid7(), int(now.timestamp())
    claims = _claims(assertion, issued_at=issued_at) | {"jti": str(jti)}
    begun = datetime.fromtimestamp(issued_at, tz=UTC)
    ends = begun + timedelta(seconds=assertion.authorization.lifetime)
    return MintedAccess(jti, sign_compact(claims, key=signing_key(), typ=TYPE), begun, ends)


def answer_of(assertion: Assertion, *, token: str) -> dict[str, Any]:
    """The members of the answer. The assertion is no access token, hence `N_A`.

    Spec: RFC 8693 section 2.2.1; ID-JAG draft, section "Response" (no refresh token).
    """
    decided = assertion.authorization
    answer: dict[str, Any] = {
        "access_token": token,
        "issued_token_type": ID_JAG,
        "token_type": "N_A",
        "expires_in": decided.lifetime,
    }
    if decided.scope:
        answer["scope"] = decided.scope_text
    return answer


def _audience_of(wanted: Wanted, *, client: Client) -> Audience:
    """The one audience named, which is registered and lists the client.

    Spec: ID-JAG draft: `audience` is REQUIRED, the issuer of the other server.
    Raises: OAuthError.
    """
    if not wanted.audiences:
        raise OAuthError(Reason.AUDIENCE_MISSING)
    audience = find_audience(wanted.audiences[0]) if len(set(wanted.audiences)) == 1 else None
    # The draft: an identity provider MUST NOT take its own assertions. None is made for us.
    if audience is None or audience.audience == config().server.issuer:
        raise OAuthError(Reason.AUDIENCE_UNKNOWN)
    if client.client_id not in audience.client_ids:
        raise OAuthError(Reason.AUDIENCE_CLIENT_NOT_LISTED)
    return audience


def _subject_of(wanted: Wanted, *, client: Client, now: datetime) -> Subject:
    parameters = wanted.parameters
    if "actor_token" in parameters or "actor_token_type" in parameters:
        # The draft has no use for an actor. Passing one over would hide who acts.
        raise OAuthError(Reason.AUDIENCE_TAKES_NO_ACTOR)
    token = parameters.get("subject_token")
    if not token:
        raise OAuthError(Reason.SUBJECT_TOKEN_MISSING)
    token_type = parameters.get("subject_token_type", "")
    return read_subject(token, token_type=token_type, client=client, now=now)


def _authorization(
    subject: Subject,
    *,
    client: Client,
    audience: Audience,
    scope: tuple[str, ...],
    lifetime: int,
    jkt: str,
) -> Authorization:
    return Authorization(
        kind=KIND,
        client=client,
        subject=str(subject.user_id),
        resource=audience.audience,
        scope=scope,
        lifetime=lifetime,
        user_id=subject.user_id,
        family_id=subject.family_id,
        parent=subject.parent,
        dpop_jkt=jkt,
        auth_time=subject.auth_time,
        acr=subject.acr,
        amr=subject.amr,
    )


def _claims(assertion: Assertion, *, issued_at: int) -> dict[str, Any]:
    """The payload without its id; absent rather than empty members. `aud` is one string."""
    decided = assertion.authorization
    claims: dict[str, Any] = {
        "iss": config().server.issuer,
        "sub": decided.subject,
        "aud": decided.resource,
        "client_id": assertion.client_there,
        "iat": issued_at,
        "exp": issued_at + decided.lifetime,
        "resource": assertion.resource,
        "scope": decided.scope_text,
        "email": assertion.email,
        "auth_time": decided.auth_time,
        "acr": decided.acr,
        "amr": list(decided.amr),
        "cnf": {"jkt": decided.dpop_jkt} if decided.dpop_jkt else None,
    }
    return {name: value for name, value in claims.items() if value}
