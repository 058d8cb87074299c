"""The jwt-bearer grant of a workload: its platform's token is its only credential (SEP-1933)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from audit import events, record
from authplane.core import clock
from authplane.core.config import config
from authplane.core.metrics import counter
from oauth.clients.policy import JWT_BEARER
from oauth.engine.request import TokenRequest
from oauth.errors import OAuthError, Reason
from oauth.federation.workload import Workload, require_bound
from oauth.resources.indicators import resolve_resource
from oauth.resources.machine_scope import machine_scope
from oauth.resources.rules import bound_key, lifetime_at, require_allowed
from oauth.resources.scopes import parse_scope
from oauth.tokens import ledger
from oauth.tokens.authorization import Authorization
from oauth.tokens.lifetimes import machine_token_lifetime

KIND: Final = "workload"
OLDEST: Final = 86_400
"""Seconds; `workload.max_token_age` cannot be set higher."""

LEEWAY: Final = 300
"""Seconds by which a token may outlive the workload's own. A workload that asks in the last moment
of its token's life gets something it can work with; nothing much longer follows from it."""


class WorkloadGrant:
    """For requests whose `source` is a verified `Workload` and whose `client` is its client."""

    def decide(self, request: TokenRequest) -> None:
        """The client may have this scope at this resource for itself, as with client credentials.

        Spec: RFC 7523 section 2.1; RFC 6749 section 4.4.2; RFC 8707 section 2.
        Raises: OAuthError.
        """
        try:
            request.authorization = _authorize(request, workload=request.source)
        except OAuthError as refusal:
            refused(refusal)
            raise

    def issue(self, request: TokenRequest, token_handler: Any) -> dict[str, Any]:
        """One statement: the ledger row, the audit row, and the use of a token for one use.

        Raises: OAuthError(WORKLOAD_REPLAYED); then nothing has changed.
        """
        workload: Workload = request.source
        answer: dict[str, Any] = token_handler.create_token(request)
        decided = request.authorization
        event = events.WorkloadTokenIssued(
            actor_id=decided.subject,
            client_id=decided.client.client_id,
            jti=str(request.minted_access.jti),
            scopes=decided.scope_text,
            issuer=workload.issuer.issuer,
            workload=workload.subject,
        )
        issue = ledger.Issue(
            authorization=decided, access=request.minted_access, event=record.prepare(event)
        )
        if not _recorded(issue, workload=workload):
            replayed = OAuthError(Reason.WORKLOAD_REPLAYED)
            refused(replayed)
            raise replayed
        counter("authplane_workload_tokens_issued_total").labels(workload.issuer.kind).inc()
        counter("authserver_tokens_issued_total").labels(JWT_BEARER).inc()
        return answer


def refused(refusal: OAuthError) -> None:
    """A workload was refused, which the metrics tell."""
    counter("authplane_workload_tokens_denied_total").labels(refusal.reason.value).inc()


def _recorded(issue: ledger.Issue, *, workload: Workload) -> bool:
    """The token stands in the ledger; False when the workload's own was for one use, and used.

    Its id is remembered in the database until it has expired by every clock, or is older than any
    token may be.
    """
    if not workload.jti:
        ledger.record_access(issue)
        return True
    now = clock.now()
    ends = min(workload.expires, now.timestamp() + OLDEST) + config().tokens.clock_skew + 1
    once = ledger.OneTimeId(
        namespace="workload_token",
        value=f"{workload.issuer.issuer} {workload.jti}",
        expires_at=datetime.fromtimestamp(ends, tz=UTC),
    )
    return ledger.record_access_once(issue, once=once, now=now)


def _authorize(request: TokenRequest, *, workload: Workload) -> Authorization:
    client, binding = request.client, request.binding
    require_bound(workload, jkt=binding.jkt, certificate=binding.certificate)
    resource = resolve_resource(request.resources)
    require_allowed(resource, grant_type=JWT_BEARER, binding_jkt=binding.jkt, client=client)
    scope = machine_scope(
        requested=parse_scope(request.scope or ""),
        ceiling=client.scope_ceiling,
        resource=resource,
        resource_was_named=bool(request.resources),
    )
    left = int(workload.expires - clock.now().timestamp())
    return Authorization(
        kind=KIND,
        client=client,
        subject=client.client_id,
        resource=resource.uri,
        scope=scope,
        lifetime=min(lifetime_at(resource, machine_token_lifetime()), max(left, LEEWAY)),
        dpop_jkt=bound_key(resource, binding.jkt),
        certificate=binding.certificate,
    )
