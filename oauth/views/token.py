"""POST /oauth/token: receive, hand to the engine, answer."""

from collections.abc import Callable
from time import perf_counter
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import View
from oauth2_provider.views.base import TokenView as ToolkitTokenView
from oauthlib.oauth2.rfc6749.errors import OAuth2Error

from audit import events, record
from audit.registry import Event
from authplane.core.metrics import counter, histogram
from oauth.clients.policy import JWT_BEARER, TOKEN_EXCHANGE
from oauth.engine.core import attribute, seal
from oauth.engine.request import TokenRequest
from oauth.engine.responses import offer_nonce, private_reason, render_refusal, render_success
from oauth.errors import OAuthError, Reason

_ALLOW = {"Allow": "POST, OPTIONS"}


class TokenView(ToolkitTokenView):
    """The token endpoint. Refusals are exceptions until here."""

    http_method_names = ("post", "options")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Straight to the method.

        The toolkit wraps this in decorators that are applied anew for every request; what they
        say is said once, where the view is made.
        """
        answer: HttpResponseBase = View.dispatch(self, request, *args, **kwargs)
        return answer

    def post(self, request: HttpRequest, *_: Any, **__: Any) -> HttpResponse:
        """Tokens, or a refusal that changed nothing."""
        begun = perf_counter()
        try:
            answer = self.get_oauthlib_core().create_token_response(request)
        except OAuth2Error as refusal:
            record_refusal(refusal)
            return offer_nonce(request, render_refusal(request, refusal))
        histogram("authserver_token_issuance_duration_seconds").observe(perf_counter() - begun)
        return offer_nonce(request, render_success(answer))

    def http_method_not_allowed(self, request: HttpRequest, *_: Any, **__: Any) -> HttpResponse:
        """405: a token request in a URL would leave its secrets in logs."""
        return render_refusal(request, OAuthError(Reason.METHOD_NOT_ALLOWED), headers=_ALLOW)


token = csrf_exempt(TokenView.as_view())


def answer_token(
    request: HttpRequest, *, respond: Callable[[TokenRequest], dict[str, Any]]
) -> HttpResponse:
    """Tokens of another issuer, or a refusal that changed nothing; told and recorded as ours."""
    try:
        sealed = seal(request)
    except OAuth2Error as refusal:
        return render_refusal(request, refusal)
    try:
        return render_success(respond(sealed))
    except OAuth2Error as refusal:
        attribute(refusal, sealed)
        record_refusal(refusal)
        return render_refusal(request, refusal)


def record_refusal(refusal: OAuth2Error) -> None:
    """Refusals of known clients are recorded; unknown callers are only counted.

    An anonymous caller must not be able to fill the audit table.
    """
    client = getattr(refusal, "refused_client", None)
    if client is None:
        return
    reason, grant = private_reason(refusal), refusal.refused_grant
    event: Event
    if grant == "client_credentials":
        event = events.ClientCredentialsDenied(client_id=client.client_id, reason=reason)
        counter("authplane_client_credentials_denied_total").labels(reason).inc()
    elif grant == TOKEN_EXCHANGE:
        event = events.TokenExchangeDenied(client_id=client.client_id, reason=reason)
        counter("authplane_token_exchange_denied_total").labels(reason).inc()
    elif grant == JWT_BEARER:
        event = events.JwtBearerDenied(client_id=client.client_id, reason=reason)
    elif grant == "refresh_token":
        event = events.TokenRefreshDenied(
            actor_id=str(refusal.refused_user or ""),
            client_id=client.client_id,
            family=str(refusal.refused_family or ""),
            reason=reason,
        )
    else:
        event = events.TokenIssueDenied(client_id=client.client_id, reason=reason, grant=grant)
    record.record_refusal(event)
