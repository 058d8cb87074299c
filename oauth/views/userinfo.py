"""GET or POST /oauth/userinfo: who the token is about, for tokens meant for this server."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from authplane.core import clock
from authplane.core.config import config
from oauth.engine.responses import offer_nonce, render_refusal, render_success
from oauth.errors import OAuthError, Reason
from oauth.tokens.standing import read_standing
from oauth.tokens.verification import token_id, verify_access_token
from oauth.views.held import challenges, insufficient_scope, invalid_token, prove_held, spend
from oauth.views.methods import takes


@csrf_exempt
@takes("GET", "HEAD", "POST")
def userinfo(request: HttpRequest) -> HttpResponse:
    """`sub`, and `email` where the scope allows it; nothing else.

    Spec: OpenID Connect Core 1.0 section 5.3; RFC 6750 section 3 and RFC 9449 section 7.1 for
    refusals.
    """
    try:
        members = _members(request)
    except OAuthError as refusal:
        return offer_nonce(request, render_refusal(request, refusal))
    return offer_nonce(request, render_success(members))


def _members(request: HttpRequest) -> dict[str, Any]:
    """The claims about the token's user.

    The token counts only in the header: in a URL or body it would end up in logs and caches.
    """
    scheme, _, presented_token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    scheme, presented_token = scheme.lower(), presented_token.strip()
    if scheme not in {"bearer", "dpop"} or not presented_token:
        # RFC 6750 section 3.1: without a token the challenge names no error.
        raise OAuthError(Reason.TOKEN_INVALID, headers={"WWW-Authenticate": challenges()})
    claims = verify_access_token(presented_token, now=clock.now())
    row_id = token_id(claims) if claims is not None else None
    if claims is None or row_id is None or config().server.issuer not in _audiences(claims):
        raise invalid_token()
    key = prove_held(request, scheme=scheme, presented_token=presented_token, claims=claims)
    standing = read_standing(row_id)
    if standing is None or not standing.is_live:
        raise invalid_token()
    if standing.user_id is None:
        raise insufficient_scope()
    if key is not None:
        # Last: a proof is used up only by the request that it lets through.
        spend(key)
    members: dict[str, Any] = {"sub": claims["sub"]}
    if "email" in str(claims.get("scope", "")).split() and standing.username:
        members["email"] = standing.username
    return members


def _audiences(claims: dict[str, Any]) -> list[str]:
    audience = claims["aud"]
    return audience if isinstance(audience, list) else [audience]
