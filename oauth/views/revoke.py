"""POST /oauth/revoke: end a token."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from oauthlib.oauth2.rfc6749.errors import OAuth2Error

from authplane.core import clock
from authplane.core.config import config
from oauth.clients.authentication import authenticate_client, presents_nothing
from oauth.clients.lookup import find_known_client
from oauth.engine.core import seal
from oauth.engine.request import TokenRequest
from oauth.engine.responses import render_refusal
from oauth.errors import OAuthError, Reason
from oauth.models import Client
from oauth.tokens.revocation import end_token
from oauth.views.methods import takes


@csrf_exempt
@takes("POST")
def revocation(request: HttpRequest) -> HttpResponse:
    """200 with an empty body whether or not there was something to end.

    Spec: RFC 7009 section 2.2: an unknown token is no error, there is nothing left to do.
    """
    return answer_revocation(request, find_client=find_known_client)


def answer_revocation(
    request: HttpRequest, *, find_client: Callable[[str], Client | None], issuer: str = ""
) -> HttpResponse:
    """The same for the issuer of this key, whose clients ``find_client`` knows."""
    try:
        sealed = seal(request)
        client = _authenticate(sealed, find_client)
        presented_token = sealed.parameters.get("token")
        if presented_token is None:
            raise OAuthError(Reason.TOKEN_MISSING)
        end_token(presented_token, client=client, now=clock.now(), issuer=issuer)
    except OAuth2Error as refusal:
        return render_refusal(request, refusal)
    response = HttpResponse(status=200)
    response.headers["Cache-Control"] = "no-store"
    del response.headers["Content-Type"]
    return response


def _authenticate(
    sealed: TokenRequest, find_client: Callable[[str], Client | None]
) -> Client | None:
    """The client whose credentials were sent; None when none were sent at all.

    Whoever holds a token and nothing else may always end it: that helps whoever found a leaked
    one. Credentials that were sent are checked, because sending them says whose token it is.
    """
    required = config().oauth.revocation_requires_authentication
    if not required and presents_nothing(
        sealed.parameters, authorization=sealed.authorization_header
    ):
        return None
    return authenticate_client(
        sealed.parameters,
        authorization=sealed.authorization_header,
        endpoint=sealed.endpoint,
        now=clock.now(),
        certificate=sealed.certificate,
        find_client=find_client,
    )
