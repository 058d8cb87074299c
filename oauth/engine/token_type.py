"""The token type handed to every grant: Bearer, or DPoP when the token is bound to a key."""

from typing import Any

from oauthlib.oauth2.rfc6749.tokens import BearerToken

from oauth.tokens.minting import mint_access_token, mint_refresh_token


class SenderConstrainedToken(BearerToken):
    """Builds the answer of the token endpoint from what the grant decided."""

    __slots__ = ()

    def create_token(self, request: Any, refresh_token: bool = False, **_: Any) -> dict[str, Any]:
        """The members of the answer, absent rather than empty.

        Spec: RFC 6749 section 5.1; RFC 9449 section 5 (`token_type`).
        """
        decided = request.authorization
        answer: dict[str, Any] = {
            "access_token": mint_access_token(request),
            "token_type": "DPoP" if decided.dpop_jkt else "Bearer",
            "expires_in": decided.lifetime,
        }
        if refresh_token:
            answer["refresh_token"] = mint_refresh_token(request)
        if decided.scope:
            answer["scope"] = decided.scope_text
        return answer
