"""The one renderer of the protocol endpoints: success and refusal."""

import logging
from collections.abc import Mapping
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from oauthlib.oauth2.rfc6749.errors import OAuth2Error

from authplane.core import clock
from authplane.core.config import config
from authplane.core.http import error_response, json_response
from authplane.core.metrics import counter
from oauth.dpop.nonces import new_nonce
from oauth.dpop.policy import nonces_are_given
from oauth.errors import OAuthError

log = logging.getLogger(__name__)

BASIC_CHALLENGE: Final = 'Basic realm="authserver"'


def render_success(members: Mapping[str, Any]) -> HttpResponse:
    """200 with JSON that nothing may store (RFC 6749 section 5.1)."""
    return json_response(members)


def render_refusal(
    request: HttpRequest, refusal: OAuth2Error, *, headers: Mapping[str, str] | None = None
) -> HttpResponse:
    """The refusal as its wire code; its private reason goes to the log and the metric.

    A failed client authentication is challenged, whichever way it was tried.

    Spec: RFC 6749 section 5.2.
    """
    reason = private_reason(refusal)
    log.info("request refused", extra={"reason": reason, "error": refusal.error})
    counter("authserver_auth_denied_total").labels(reason).inc()
    answer_headers = dict(headers or {})
    if refusal.error == "invalid_client":
        answer_headers.setdefault("WWW-Authenticate", BASIC_CHALLENGE)
    extra: dict[str, Any] = {}
    if isinstance(refusal, OAuthError):
        answer_headers |= refusal.response_headers
        extra = refusal.extra
    return error_response(
        request,
        error=refusal.error,
        description=refusal.description or "the request was refused",
        status=refusal.status_code,
        headers=answer_headers,
        **extra,
    )


def offer_nonce(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """The answer to a request with a proof carries a nonce for the next one.

    On success and refusal alike, so that a client never has to fail to learn one.

    Spec: RFC 9449 section 8.2.
    """
    if "HTTP_DPOP" in request.META and config().features.dpop and nonces_are_given():
        response.headers.setdefault("DPoP-Nonce", new_nonce(now=clock.now()))
    return response


def private_reason(refusal: OAuth2Error) -> str:
    """Why it was refused, for operators; oauthlib's own errors have their code only."""
    return refusal.reason.value if isinstance(refusal, OAuthError) else str(refusal.error)
