"""GET or POST /oauth/userinfo: who the token is about, for tokens meant for this server."""

from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from authplane.core import clock
from authplane.core.config import config
from oauth.clients.certificates import Certificate, is_held, presented_certificate
from oauth.engine.responses import render_refusal, render_success
from oauth.errors import OAuthError, Reason
from oauth.tokens.standing import read_standing
from oauth.tokens.verification import token_id, verify_access_token
from oauth.views.methods import takes

_REALM: Final = 'Bearer realm="authserver"'


@csrf_exempt
@takes("GET", "HEAD", "POST")
def userinfo(request: HttpRequest) -> HttpResponse:
    """`sub`, and `email` where the scope allows it; nothing else.

    Spec: OpenID Connect Core 1.0 section 5.3; RFC 6750 section 3 for refusals.
    """
    try:
        members = _members(
            request.META.get("HTTP_AUTHORIZATION", ""),
            certificate=presented_certificate(request.META),
        )
    except OAuthError as refusal:
        return render_refusal(request, refusal)
    return render_success(members)


def _members(authorization: str, *, certificate: Certificate | None) -> dict[str, Any]:
    """The claims about the token's user.

    The token counts only in the header: in a URL or body it would end up in logs and caches.
    """
    scheme, _, presented_token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not presented_token.strip():
        # RFC 6750 section 3.1: without a token the challenge names no error.
        raise OAuthError(Reason.TOKEN_INVALID, headers={"WWW-Authenticate": _REALM})
    claims = verify_access_token(presented_token.strip(), now=clock.now())
    row_id = token_id(claims) if claims is not None else None
    if claims is None or row_id is None or config().server.issuer not in _audiences(claims):
        raise _invalid_token()
    if not is_held(claims.get("cnf", {}), certificate=certificate):
        raise _invalid_token()
    standing = read_standing(row_id)
    if standing is None or not standing.is_live:
        raise _invalid_token()
    if standing.user_id is None:
        raise _insufficient_scope()
    members: dict[str, Any] = {"sub": claims["sub"]}
    if "email" in str(claims.get("scope", "")).split() and standing.username:
        members["email"] = standing.username
    return members


def _audiences(claims: dict[str, Any]) -> list[str]:
    audience = claims["aud"]
    return audience if isinstance(audience, list) else [audience]


def _invalid_token() -> OAuthError:
    challenge = f'{_REALM}, error="invalid_token"'
    return OAuthError(Reason.TOKEN_INVALID, headers={"WWW-Authenticate": challenge})


def _insufficient_scope() -> OAuthError:
    """A machine's token is about no user."""
    challenge = f'{_REALM}, error="insufficient_scope", scope="openid"'
    return OAuthError(Reason.TOKEN_SCOPE_LACKING, headers={"WWW-Authenticate": challenge})
