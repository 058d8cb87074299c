"""Refresh with rotation: each token works once, and a lost answer can be asked for again."""

import json
from typing import Any

from oauthlib.oauth2.rfc6749.grant_types import RefreshTokenGrant

from audit import events, record
from authplane.core import clock, crypto
from authplane.core.metrics import counter
from oauth import projects
from oauth.engine.binding import require_bound_key
from oauth.engine.request import TokenRequest
from oauth.errors import OAuthError, Reason
from oauth.grants.authorization_code import NEVER_IN_A_TOKEN
from oauth.grants.staged import StagedGrant
from oauth.resources.indicators import require_same_resource
from oauth.resources.rules import bound_key, lifetime_at, require_allowed
from oauth.resources.scopes import narrow, parse_scope
from oauth.resources.selectors import resource_of_audience
from oauth.tokens import families, ledger, refresh
from oauth.tokens.authorization import Authorization
from oauth.tokens.lifetimes import refresh_end, user_token_lifetime, within_replay_window


class RefreshToken(StagedGrant, RefreshTokenGrant):
    """RFC 6749 section 6, RFC 9700 section 4.14.2."""

    def create_token_response(self, request: TokenRequest, token_handler: Any) -> dict[str, Any]:
        """New tokens, or once more the answer whose delivery may have failed."""
        self.validate_token_request(request)
        if request.source.consumed_at is not None:
            answer = self._answer_again(request)
            request.binding.spend()
            return answer
        self._decide(request)
        request.binding.spend()
        return self.issue(request, token_handler)

    def validate_token_request(self, request: TokenRequest) -> None:
        """Client, resource and scope hold; whether the token was used comes last.

        A foreign client, a foreign resource or a wider scope must not spend the token, nor end a
        family that is not theirs.
        """
        if request.refresh_token is None:
            raise OAuthError(Reason.REFRESH_MISSING)
        parse_scope(request.scope)
        super().validate_token_request(request)
        require_same_resource(request.resources, registered=request.source.resource)
        require_allowed(
            resource_of_audience(request.source.resource),
            grant_type="refresh_token",
            binding_jkt=request.binding.jkt,
            client=request.client,
        )
        require_bound_key(request.binding, jkt=request.source.dpop_jkt)
        self._require_live_family(request)

    def issue(self, request: TokenRequest, token_handler: Any) -> dict[str, Any]:
        """The token is used and its successor exists, in one statement; or a parallel use won."""
        now = clock.now()
        spent, decided = request.source, request.authorization
        answer: dict[str, Any] = token_handler.create_token(request, refresh_token=True)
        event = events.TokenRefreshed(
            actor_id=decided.subject,
            client_id=decided.client.client_id,
            family=str(spent.family_id),
            jti=str(request.minted_access.jti),
            scopes=decided.scope_text,
        )
        rotated = ledger.rotate_refresh(
            ledger.Issue(
                authorization=decided,
                access=request.minted_access,
                event=record.prepare(event),
                refresh=request.minted_refresh,
                refresh_expires_at=refresh_end(now, family_expires_at=spent.family_expires_at),
            ),
            spent=spent,
            digest=_question(request),
            sealed=crypto.seal_under(
                request.refresh_token,
                json.dumps(answer).encode(),
                context=refresh.seal_context(spent.id),
            ),
            now=now,
        )
        if not rotated:
            return self._after_a_lost_race(request)
        counter("authserver_tokens_refreshed_total").inc()
        counter("authserver_tokens_issued_total").labels("refresh_token").inc()
        return answer

    def _require_live_family(self, request: TokenRequest) -> None:
        spent, now = request.source, clock.now()
        if spent.family_revoked_at is not None:
            raise OAuthError(Reason.FAMILY_REVOKED)
        if spent.consumed_at is None and spent.expires <= now:
            raise OAuthError(Reason.REFRESH_EXPIRED)
        if spent.family_expires_at <= now:
            raise OAuthError(Reason.FAMILY_EXPIRED)
        if not spent.user_is_active:
            raise OAuthError(Reason.USER_INACTIVE)
        if not spent.client_is_active:
            raise OAuthError(Reason.CLIENT_INACTIVE)

    def _decide(self, request: TokenRequest) -> None:
        """The scope asked for, or the family's, within the client's ceiling of today."""
        ceiling, allowed = request.client.scope_ceiling, request.source.scope.split()
        granted = tuple(name for name in allowed if name not in NEVER_IN_A_TOKEN)
        asked = [name for name in parse_scope(request.scope) if name not in NEVER_IN_A_TOKEN]
        if ceiling and not ceiling.issuperset(asked):
            raise OAuthError(Reason.SCOPE_BEYOND_CEILING)
        wanted = narrow(asked, granted=granted)
        scope = tuple(name for name in wanted if not ceiling or name in ceiling)
        if granted and not scope:
            raise OAuthError(Reason.SCOPE_EMPTY)
        spent = request.source
        resource = resource_of_audience(spent.resource)
        request.authorization = Authorization(
            kind="refresh_token",
            client=request.client,
            subject=str(spent.user_id),
            user_id=spent.user_id,
            family_id=spent.family_id,
            resource=spent.resource,
            scope=scope,
            lifetime=lifetime_at(resource, user_token_lifetime()),
            dpop_jkt=bound_key(resource, request.binding.jkt),
            certificate=request.binding.certificate,
            auth_time=int(spent.auth_time.timestamp()),
            acr=spent.acr,
            amr=spent.amr,
            projects=projects.in_force(spent.user_id, spent.projects),
        )

    def _after_a_lost_race(self, request: TokenRequest) -> dict[str, Any]:
        """Another request used the token after we had read it."""
        request.source = refresh.read_refresh(request.refresh_token, issuer=request.client.issuer)
        if request.source is None:
            raise OAuthError(Reason.REFRESH_UNKNOWN)
        self._require_live_family(request)
        if request.source.consumed_at is None:
            raise OAuthError(Reason.REFRESH_EXPIRED)
        return self._answer_again(request)

    def _answer_again(self, request: TokenRequest) -> dict[str, Any]:
        """The same whole answer, if it was lost a moment ago; otherwise the family ends.

        The stored answer opens only with the presented token itself.
        """
        spent, now = request.source, clock.now()
        fresh = within_replay_window(spent.consumed_at, now=now)
        if not fresh or spent.successor_consumed_at is not None or not spent.replay_sealed:
            _end_family(request)
            raise OAuthError(Reason.REFRESH_REUSED)
        if spent.replay_digest != _question(request):
            raise OAuthError(Reason.REFRESH_REPLAY_DIFFERS)
        opened = crypto.open_under(
            request.refresh_token, spent.replay_sealed, context=refresh.seal_context(spent.id)
        )
        answer: dict[str, Any] = json.loads(opened)
        return answer


def _question(request: TokenRequest) -> str:
    return refresh.replay_digest(scope=request.scope or "", resources=request.resources)


def _end_family(request: TokenRequest) -> None:
    """Thief and owner cannot be told apart, so both lose access."""
    counter("authserver_refresh_token_reuse_total").inc()
    ended = families.revoke_family(
        family_id=request.source.family_id,
        cause="reuse_detection",
        now=clock.now(),
        client_id=request.client.client_id,
        actor_id=str(request.source.user_id),
    )
    if ended:
        counter("authserver_tokens_revoked_total").labels("family_revocation").inc()
