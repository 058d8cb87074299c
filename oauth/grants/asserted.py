"""The jwt-bearer grant of an identity provider's assertion about a user (ID-JAG)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from audit import events, record
from authplane.core import clock
from authplane.core.config import config
from authplane.core.metrics import counter
from oauth.clients.policy import JWT_BEARER
from oauth.engine.request import TokenRequest
from oauth.errors import OAuthError, Reason
from oauth.resources.rules import bound_key, lifetime_at, require_allowed
from oauth.resources.scopes import parse_scope
from oauth.tokens import ledger
from oauth.tokens.authorization import Authorization
from oauth.tokens.lifetimes import asserted_token_lifetime
from oauth.xaa.assertions import (
    ASSERTION_IDS,
    Assertion,
    one_time_value,
    require_presenter,
    trusted_provider,
    verify_assertion,
)
from oauth.xaa.entitlement import entitled_resource, entitled_scope, require_policy
from oauth.xaa.linking import local_subject

KIND: Final = "jwt_bearer"
REMEMBERED_FOR: Final = 60
"""Seconds past its end for which an assertion's id is remembered."""
LONGEST_MEMORY: Final = timedelta(days=1)
"""No assertion is accepted for as long, however late it says that it ends."""


class AssertedGrant:
    """A trusted identity provider says who the user is; policies say what follows from it."""

    def decide(self, request: TokenRequest) -> None:
        """The assertion holds and the client may have this. Nothing is spent.

        The order is that of the contract: what the caller knows anyway, then what reveals
        something of this server. An assertion that is refused may be presented again.

        Spec: RFC 7523 section 3; ID-JAG draft, sections "Access Token Request" and "Validation".
        Raises: OAuthError.
        """
        client, binding = request.client, request.binding
        if client.is_public:
            # Anybody can say its id, and so present an assertion that was stolen on its way.
            raise OAuthError(Reason.CLIENT_PUBLIC)
        presented = request.parameters["assertion"]
        provider = trusted_provider(presented)
        assertion = verify_assertion(presented, provider=provider, now=clock.now())
        require_presenter(
            assertion,
            client_id=client.client_id,
            jkt=binding.jkt,
            certificate=binding.certificate,
        )
        request.source = assertion
        request.authorization = _authorize(request, assertion)

    def issue(self, request: TokenRequest, token_handler: Any) -> dict[str, Any]:
        """One statement: the assertion's id is spent, the ledger row and the audit row stand.

        Raises: OAuthError(ASSERTION_REPLAYED); then nothing has changed.
        """
        assertion: Assertion = request.source
        decided = request.authorization
        answer: dict[str, Any] = token_handler.create_token(request)
        event = events.JwtBearerIssued(
            actor_id=str(decided.user_id or decided.client.client_id),
            client_id=decided.client.client_id,
            jti=str(request.minted_access.jti),
            idp=assertion.provider.issuer,
            scopes=decided.scope_text,
        )
        now = clock.now()
        recorded = ledger.record_access_once(
            ledger.Issue(
                authorization=decided, access=request.minted_access, event=record.prepare(event)
            ),
            once=_one_time_id(assertion, now=now),
            now=now,
        )
        if not recorded:
            raise OAuthError(Reason.ASSERTION_REPLAYED)
        counter("authserver_tokens_issued_total").labels(KIND).inc()
        return answer


def _authorize(request: TokenRequest, assertion: Assertion) -> Authorization:
    client, binding = request.client, request.binding
    resource, was_named = entitled_resource(assertion, requested=request.resources)
    require_allowed(resource, grant_type=JWT_BEARER, binding_jkt=binding.jkt, client=client)
    scope = entitled_scope(
        assertion,
        requested=parse_scope(request.scope or ""),
        ceiling=client.scope_ceiling,
        resource=resource,
        resource_was_named=was_named,
    )
    require_policy(assertion, resource=resource, scope=scope)
    subject = local_subject(assertion)
    issuer = assertion.provider.issuer
    return Authorization(
        kind=KIND,
        client=client,
        subject=subject.name,
        user_id=subject.user_id,
        resource=resource.uri,
        scope=scope,
        lifetime=lifetime_at(resource, asserted_token_lifetime()),
        dpop_jkt=bound_key(resource, binding.jkt),
        certificate=binding.certificate,
        actors={"sub": issuer},
        agent_chain=(issuer,) if client.is_agent else (),
    )


def _one_time_id(assertion: Assertion, *, now: datetime) -> ledger.OneTimeId:
    """By provider: one cannot use up the ids of another.

    Spec: RFC 7523 section 3, check 7 (MAY; MUST of the ID-JAG draft).
    """
    skew = config().tokens.clock_skew
    left = timedelta(seconds=assertion.expires - now.timestamp() + max(REMEMBERED_FOR, skew + 1))
    return ledger.OneTimeId(
        namespace=ASSERTION_IDS,
        value=one_time_value(assertion),
        expires_at=now + min(left, LONGEST_MEMORY),
    )
