"""Authorization code with PKCE: checked completely, then spent and turned into tokens at once."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from oauthlib.oauth2.rfc6749.grant_types import AuthorizationCodeGrant

from audit import events, record
from authplane.core import clock
from authplane.core.metrics import counter
from oauth import pkce, projects
from oauth.engine.binding import require_bound_key
from oauth.engine.request import TokenRequest
from oauth.errors import OAuthError, Reason
from oauth.grants.staged import StagedGrant
from oauth.resources.indicators import require_same_resource
from oauth.resources.rules import bound_key, grant_is_allowed, lifetime_at, require_allowed
from oauth.resources.selectors import resource_of_audience
from oauth.tokens import codes, families, ledger
from oauth.tokens.authorization import Authorization
from oauth.tokens.lifetimes import family_end, refresh_end, user_token_lifetime

NEVER_IN_A_TOKEN: Final = frozenset({"offline_access"})


class AuthorizationCode(StagedGrant, AuthorizationCodeGrant):
    """RFC 6749 section 4.1.3 with RFC 7636: S256 only, one use, replay ends the family."""

    def validate_token_request(self, request: TokenRequest) -> None:
        """Every check of the code, in this order: client, redirect, verifier, resource, history.

        The verifier comes before the history: only who holds client and verifier may end a family
        by replaying its code, otherwise a leaked code would be a way to sign others out.
        """
        if request.code is None:
            raise OAuthError(Reason.CODE_MISSING)
        if request.code_verifier is None:
            raise OAuthError(Reason.VERIFIER_MISSING)
        if not pkce.is_verifier(request.code_verifier):
            raise OAuthError(Reason.VERIFIER_MALFORMED)
        if request.redirect_uri is None:
            raise OAuthError(Reason.CODE_REDIRECT_MISMATCH)
        _prove_possession(super().validate_token_request, request)
        require_same_resource(request.resources, registered=request.source.resource)
        require_allowed(
            resource_of_audience(request.source.resource),
            grant_type="authorization_code",
            binding_jkt=request.binding.jkt,
            client=request.client,
        )
        require_bound_key(request.binding, jkt=request.source.dpop_jkt)
        self._require_unspent(request)
        self._decide(request)

    def validate_code_challenge(self, challenge: str, challenge_method: str, verifier: str) -> bool:
        """S256 of the verifier (RFC 7636 section 4.6); oauthlib's table also knows `plain`."""
        if challenge_method == pkce.METHOD and pkce.verifier_matches(verifier, challenge):
            return True
        raise OAuthError(Reason.VERIFIER_MISMATCH)

    def issue(self, request: TokenRequest, token_handler: Any) -> dict[str, Any]:
        """The code is spent and its tokens exist, in one statement; or a parallel use won."""
        now = clock.now()
        code, decided = request.source, request.authorization
        with_refresh = decided.client.allows_grant_type("refresh_token") and grant_is_allowed(
            resource_of_audience(decided.resource), grant_type="refresh_token"
        )
        answer: dict[str, Any] = token_handler.create_token(request, refresh_token=with_refresh)
        family_expires_at = self._family_end(request, now=now)
        event = events.TokenIssued(
            actor_id=decided.subject,
            client_id=decided.client.client_id,
            family=str(code.family_id),
            jti=str(request.minted_access.jti),
            grant=decided.kind,
            scopes=decided.scope_text,
        )
        redeemed = ledger.redeem_code(
            ledger.Issue(
                authorization=decided,
                access=request.minted_access,
                event=record.prepare(event),
                refresh=request.minted_refresh,
                refresh_expires_at=refresh_end(now, family_expires_at=family_expires_at),
            ),
            code=code,
            family_expires_at=family_expires_at,
            now=now,
        )
        if not redeemed:
            # Somebody changed the row between our reading and our writing; look again and say why.
            request.source = codes.read_code(request.code, issuer=request.client.issuer)
            self._require_unspent(request)
            raise OAuthError(Reason.CODE_REPLAYED)
        counter("authserver_tokens_issued_total").labels("authorization_code").inc()
        return answer

    def _family_end(self, request: TokenRequest, *, now: datetime) -> datetime:  # noqa: ARG002
        """When the family that the code begins ends at the latest."""
        return family_end(now)

    def _require_unspent(self, request: TokenRequest) -> None:
        """The code was neither used nor withdrawn, has not expired, and its user is active.

        Spec: RFC 6749 section 4.1.2: a code used twice SHOULD end the tokens issued from it.
        """
        code, now = request.source, clock.now()
        if code is None:
            raise OAuthError(Reason.CODE_UNKNOWN)
        if code.consumed_at is not None:
            _end_what_it_began(request)
            raise OAuthError(Reason.CODE_REPLAYED)
        if code.revoked_at is not None:
            raise OAuthError(Reason.CODE_REVOKED)
        if code.expires <= now:
            raise OAuthError(Reason.CODE_EXPIRED)
        if not code.user_is_active:
            raise OAuthError(Reason.USER_INACTIVE)

    def _decide(self, request: TokenRequest) -> None:
        """What the user allowed, within the client's ceiling of today."""
        code, ceiling = request.source, request.client.scope_ceiling
        granted = [name for name in code.scope.split() if name not in NEVER_IN_A_TOKEN]
        scope = tuple(name for name in granted if not ceiling or name in ceiling)
        if granted and not scope:
            raise OAuthError(Reason.SCOPE_EMPTY)
        resource = resource_of_audience(code.resource)
        request.authorization = Authorization(
            kind="authorization_code",
            client=request.client,
            subject=str(code.user_id),
            user_id=code.user_id,
            family_id=code.family_id,
            resource=code.resource,
            scope=scope,
            lifetime=lifetime_at(resource, user_token_lifetime()),
            dpop_jkt=bound_key(resource, request.binding.jkt),
            proven_jkt=request.binding.jkt,
            certificate=request.binding.certificate,
            auth_time=int(code.auth_time.timestamp()),
            acr=code.acr,
            amr=code.amr,
            projects=projects.in_force(code.user_id, code.projects),
        )


def _prove_possession(check: Callable[[TokenRequest], None], request: TokenRequest) -> None:
    """Client, redirect and verifier hold; a used code presented without its verifier is recorded.

    Whoever presents it holds a stolen code, which the owner of the account should learn; but it
    ends nothing, because it proves nothing.
    """
    try:
        check(request)
    except OAuthError as refusal:
        code = request.source
        if refusal.reason is Reason.VERIFIER_MISMATCH and code.consumed_at is not None:
            _tell_of_reuse(request, verifier="invalid")
        raise


def _tell_of_reuse(request: TokenRequest, *, verifier: str) -> None:
    counter("authserver_auth_code_reuse_total").labels(verifier).inc()
    record.record_refusal(
        events.AuthCodeReused(
            actor_id=str(request.source.user_id),
            client_id=request.client.client_id,
            session=str(request.source.family_id),
            verifier=verifier,
        )
    )


def _end_what_it_began(request: TokenRequest) -> None:
    """Thief and owner cannot be told apart, so both lose access."""
    code = request.source
    _tell_of_reuse(request, verifier="valid")
    ended = families.revoke_family(
        family_id=code.family_id,
        cause="code_reuse",
        now=clock.now(),
        client_id=request.client.client_id,
        actor_id=str(code.user_id),
    )
    if ended:
        counter("authserver_tokens_revoked_total").labels("code_reuse").inc()
