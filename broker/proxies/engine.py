"""The token endpoint of a proxy: the stages and grants of this server's, for another issuer.

What differs is said here and nowhere else: how long tokens live, what they look like, and that each
of them belongs to a session whose connection can be used. Tokens are never bound to a DPoP key: who
lets requests through at the edge sees no proof of it.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, Final

from authplane.core import clock
from authplane.core.config import config
from authplane.core.metrics import counter
from authplane.core.windows import take
from broker.models import GatewaySession
from broker.proxies.selectors import Proxy
from broker.proxies.sessions import live_session
from oauth.clients.authentication import authenticate_client
from oauth.clients.lookup import find_client_of
from oauth.engine.request import TokenRequest
from oauth.engine.token_type import SenderConstrainedToken
from oauth.engine.validator import AuthplaneValidator
from oauth.errors import OAuthError, Reason
from oauth.grants.authorization_code import AuthorizationCode
from oauth.grants.refresh_token import RefreshToken
from oauth.tokens.minting import new_refresh, sign_access

LIFETIME: Final = 3600
REFRESH_PREFIX: Final = "gw_refresh_"
PER_MINUTE: Final = 60


class GatewayToken(SenderConstrainedToken):
    """A signed Bearer token, whatever format a resource of the same name asks for."""

    __slots__ = ()

    def create_token(self, request: Any, refresh_token: bool = False, **_: Any) -> dict[str, Any]:
        """The members of the answer. Spec: RFC 6749 section 5.1."""
        decided = request.authorization
        request.minted_access = sign_access(decided, now=clock.now())
        answer: dict[str, Any] = {
            "access_token": request.minted_access.token,
            "token_type": "Bearer",
            "expires_in": decided.lifetime,
        }
        if refresh_token:
            request.minted_refresh = new_refresh(REFRESH_PREFIX)
            answer["refresh_token"] = request.minted_refresh.token
        if decided.scope:
            answer["scope"] = decided.scope_text
        return answer


class ProxyCode(AuthorizationCode):
    """A code of a proxy, good only while its session is."""

    def issue(self, request: TokenRequest, token_handler: Any) -> dict[str, Any]:
        """The tokens, counted by proxy."""
        answer = super().issue(request, token_handler)
        _count(request, "authorization_code")
        return answer

    def _require_unspent(self, request: TokenRequest) -> None:
        super()._require_unspent(request)
        _find_session(request, otherwise=Reason.CODE_REVOKED)

    def _decide(self, request: TokenRequest) -> None:
        super()._decide(request)
        _shorten(request)

    def _family_end(self, request: TokenRequest, *, now: datetime) -> datetime:
        session: GatewaySession = request.session
        return min(super()._family_end(request, now=now), session.expires_at)


class ProxyRefresh(RefreshToken):
    """A refresh token of a proxy, good only while its session is."""

    def issue(self, request: TokenRequest, token_handler: Any) -> dict[str, Any]:
        """The tokens, counted by proxy."""
        answer = super().issue(request, token_handler)
        _count(request, "refresh_token")
        return answer

    def _require_live_family(self, request: TokenRequest) -> None:
        super()._require_live_family(request)
        if request.source.consumed_at is None:
            # A replay is judged as one, whatever became of the session.
            _find_session(request, otherwise=Reason.FAMILY_REVOKED)

    def _decide(self, request: TokenRequest) -> None:
        super()._decide(request)
        _shorten(request)


class ProxyServer:
    """The stages for requests to a proxy. Holds nothing that belongs to one request."""

    def __init__(self) -> None:
        validator = AuthplaneValidator()
        self.token_type = GatewayToken(validator)
        self.grants = {
            "authorization_code": ProxyCode(validator),
            "refresh_token": ProxyRefresh(validator),
        }

    def create_token_response(self, request: TokenRequest, *, proxy: Proxy) -> dict[str, Any]:
        """The members of the answer.

        Raises: OAuth2Error, which the renderer turns into the refusal.
        """
        grant_type = request.parameters.get("grant_type")
        if not grant_type:
            raise OAuthError(Reason.GRANT_TYPE_MISSING)
        if grant_type not in self.grants:
            raise OAuthError(Reason.GRANT_TYPE_UNKNOWN)
        request.proxy = proxy
        request.client = authenticate_client(
            request.parameters,
            authorization=request.authorization_header,
            endpoint=request.endpoint,
            now=clock.now(),
            find_client=partial(find_client_of, proxy.key),
        )
        request.client_id = request.client.client_id
        _require_budget(request, proxy=proxy)
        if not request.client.allows_grant_type(grant_type):
            raise OAuthError(Reason.GRANT_TYPE_NOT_ALLOWED)
        answer: dict[str, Any] = self.grants[grant_type].create_token_response(
            request, self.token_type
        )
        return answer


def _require_budget(request: TokenRequest, *, proxy: Proxy) -> None:
    """The client is within its window. Asked after it has proved itself.

    Before, anybody could use up a window that a client needs. A public client proves nothing, and
    is held by the windows of addresses alone.

    Raises: OAuthError(RATE_LIMITED).
    """
    if request.client.is_public:
        return
    key = f"{proxy.id} {request.client.pk}"
    verdict = take("proxy-token-client", key, limit=PER_MINUTE, seconds=60)
    if not verdict.allowed:
        raise OAuthError(Reason.RATE_LIMITED, headers=dict(verdict.headers()))


def _find_session(request: TokenRequest, *, otherwise: Reason) -> None:
    """Raises: OAuthError when the session ended, or its connection cannot be used any more."""
    session = live_session(request.source.family_id, now=clock.now())
    if session is None or session.proxy_id != request.proxy.id:
        raise OAuthError(otherwise)
    request.session = session


def _shorten(request: TokenRequest) -> None:
    """The token lives an hour, or less where nothing renews the upstream token, or the session.

    Raises: OAuthError when nothing of that is left.
    """
    session: GatewaySession = request.session
    now = clock.now()
    ends = [session.expires_at]
    connection = session.connection
    if connection.credential_sealed is None and connection.access_expires_at is not None:
        ends.append(connection.access_expires_at)
    left = min(int((end - now).total_seconds()) for end in ends)
    if left <= config().broker.margin:
        raise OAuthError(Reason.FAMILY_EXPIRED)
    request.authorization = replace(request.authorization, lifetime=min(LIFETIME, left))


def _count(request: TokenRequest, grant: str) -> None:
    counter("oauth_proxy_tokens_issued_total").labels(request.proxy.slug, grant).inc()
