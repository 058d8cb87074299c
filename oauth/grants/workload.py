"""The jwt-bearer grant of a workload: its platform's token is its only credential (SEP-1933)."""

from __future__ import annotations

from typing import Any, Final

from audit import events, record
from authplane.core import clock
from authplane.core.metrics import counter
from oauth.clients.policy import JWT_BEARER
from oauth.engine.request import TokenRequest
from oauth.errors import OAuthError
from oauth.federation.workload import Workload, require_bound, spend
from oauth.resources.indicators import resolve_resource
from oauth.resources.machine_scope import machine_scope
from oauth.resources.rules import bound_key, lifetime_at, require_allowed
from oauth.resources.scopes import parse_scope
from oauth.tokens import ledger
from oauth.tokens.authorization import Authorization
from oauth.tokens.lifetimes import machine_token_lifetime

KIND: Final = "workload"
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
        """One statement: the ledger row and the audit row. A token for one use is used before.

        Raises: OAuthError(WORKLOAD_REPLAYED).
        """
        workload: Workload = request.source
        try:
            spend(workload, now=clock.now())
        except OAuthError as refusal:
            refused(refusal)
            raise
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
        ledger.record_access(
            ledger.Issue(
                authorization=decided, access=request.minted_access, event=record.prepare(event)
            )
        )
        counter("authplane_workload_tokens_issued_total").labels(workload.issuer.kind).inc()
        counter("authserver_tokens_issued_total").labels(JWT_BEARER).inc()
        return answer


def refused(refusal: OAuthError) -> None:
    """A workload was refused, which the metrics tell."""
    counter("authplane_workload_tokens_denied_total").labels(refusal.reason.value).inc()


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
