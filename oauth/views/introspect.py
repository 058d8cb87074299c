"""POST /oauth/introspect: is this token active? For confidential clients only."""

from collections.abc import Callable
from time import perf_counter

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from oauthlib.oauth2.rfc6749.errors import OAuth2Error

from audit import events, record
from authplane.core import clock
from authplane.core.metrics import counter, histogram
from oauth.clients.authentication import authenticate_client
from oauth.clients.lookup import find_known_client
from oauth.engine.core import seal
from oauth.engine.request import TokenRequest
from oauth.engine.responses import render_refusal, render_success
from oauth.errors import OAuthError, Reason
from oauth.models import Client
from oauth.tokens.introspection import Introspected, active_event, introspect
from oauth.views.methods import takes


@csrf_exempt
@takes("POST")
def introspection(request: HttpRequest) -> HttpResponse:
    """The token's state as the authenticated caller may know it.

    Spec: RFC 7662 section 2.
    """
    return answer_introspection(request, find_client=find_known_client)


def answer_introspection(
    request: HttpRequest, *, find_client: Callable[[str], Client | None]
) -> HttpResponse:
    """The same for callers that ``find_client`` knows, about tokens of their own issuer."""
    begun = perf_counter()
    try:
        sealed = seal(request)
        caller = _authenticate(sealed, find_client)
        presented_token = sealed.parameters.get("token")
        if presented_token is None:
            raise OAuthError(Reason.TOKEN_MISSING)
        found = introspect(presented_token, caller=caller, now=clock.now())
    except OAuth2Error as refusal:
        return render_refusal(request, refusal)
    _record(found, caller=caller)
    histogram("authserver_introspection_duration_seconds").observe(perf_counter() - begun)
    return render_success(found.members)


def _authenticate(sealed: TokenRequest, find_client: Callable[[str], Client | None]) -> Client:
    """A client with a credential; a public one proves nothing by its id (RFC 7662 section 4)."""
    caller = authenticate_client(
        sealed.parameters,
        authorization=sealed.authorization_header,
        endpoint=sealed.endpoint,
        now=clock.now(),
        certificate=sealed.certificate,
        find_client=find_client,
    )
    if caller.is_public:
        raise OAuthError(Reason.CLIENT_PUBLIC)
    return caller


def _record(found: Introspected, *, caller: Client) -> None:
    active = not found.denied_because
    counter("authserver_introspection_total").labels("true" if active else "false").inc()
    if active:
        if not found.is_recorded:
            record.record(active_event(caller, jti=found.jti, owner=found.issuing_client))
        return
    record.record_refusal(
        events.TokenIntrospectDenied(
            client_id=caller.client_id, reason=found.denied_because, jti=found.jti
        )
    )
