"""Client credentials: a confidential client asks for itself."""

from typing import Any

from oauthlib.oauth2.rfc6749.grant_types import ClientCredentialsGrant

from audit import events, record
from authplane.core.metrics import counter
from oauth.engine.request import TokenRequest
from oauth.errors import OAuthError, Reason
from oauth.grants.staged import StagedGrant
from oauth.resources.indicators import resolve_resource
from oauth.resources.machine_scope import machine_scope
from oauth.resources.rules import bound_key, lifetime_at, require_allowed
from oauth.resources.scopes import parse_scope
from oauth.tokens import ledger
from oauth.tokens.authorization import Authorization
from oauth.tokens.lifetimes import machine_token_lifetime


class ClientCredentials(StagedGrant, ClientCredentialsGrant):
    """RFC 6749 section 4.4: confidential clients only, and never a refresh token."""

    def validate_token_request(self, request: TokenRequest) -> None:
        """The client may have this scope at this resource for itself.

        Spec: RFC 6749 section 4.4.2; RFC 8707 section 2.
        """
        client = request.client
        if client.is_public:
            raise OAuthError(Reason.CLIENT_PUBLIC)
        resource = resolve_resource(request.resources)
        require_allowed(
            resource,
            grant_type="client_credentials",
            binding_jkt=request.binding.jkt,
            client=client,
        )
        scope = machine_scope(
            requested=parse_scope(request.scope or ""),
            ceiling=client.scope_ceiling,
            resource=resource,
            resource_was_named=bool(request.resources),
        )
        request.authorization = Authorization(
            kind="client_credentials",
            client=client,
            subject=client.client_id,
            resource=resource.uri,
            scope=scope,
            lifetime=lifetime_at(resource, machine_token_lifetime()),
            dpop_jkt=bound_key(resource, request.binding.jkt),
            certificate=request.binding.certificate,
        )

    def issue(self, request: TokenRequest, token_handler: Any) -> dict[str, Any]:
        """One statement: the ledger row and the audit row."""
        answer: dict[str, Any] = token_handler.create_token(request)
        decided = request.authorization
        event = events.ClientCredentialsIssued(
            actor_id=decided.client.client_id,
            client_id=decided.client.client_id,
            jti=str(request.minted_access.jti),
            scopes=decided.scope_text,
        )
        ledger.record_access(
            ledger.Issue(
                authorization=decided, access=request.minted_access, event=record.prepare(event)
            )
        )
        counter("authplane_client_credentials_issued_total").inc()
        counter("authserver_tokens_issued_total").labels("client_credentials").inc()
        return answer
