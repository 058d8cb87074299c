"""oauthlib's hooks, translated. Nothing is decided here; each hook asks the one who decides."""

from typing import Any

from oauth2_provider.oauth2_validators import OAuth2Validator

from authplane.core import clock
from authplane.core.uris import redirect_matches
from oauth.errors import OAuthError, Reason
from oauth.resources.scopes import narrow
from oauth.tokens import codes, refresh
from oauth.tokens.revocation import end_token


class AuthplaneValidator(OAuth2Validator):
    """Answers from what the stages found; hooks of grants that are not offered stay unused."""

    def client_authentication_required(self, request: Any, *_: Any, **__: Any) -> bool:
        """Stage 4 authenticated the client, a public one by its id."""
        return True

    def authenticate_client(self, request: Any, *_: Any, **__: Any) -> bool:
        """Stage 4 left the authenticated client on the request, or no grant would run."""
        return request.client is not None

    def validate_client_id(self, client_id: str, request: Any, *_: Any, **__: Any) -> bool:
        """The same, by id."""
        return request.client is not None and request.client.client_id == client_id

    def validate_grant_type(
        self, client_id: str, grant_type: str, client: Any, *_: Any, **__: Any
    ) -> bool:
        """The client holds the grant (RFC 6749 section 5.2, `unauthorized_client`)."""
        if not client.allows_grant_type(grant_type):
            raise OAuthError(Reason.GRANT_TYPE_NOT_ALLOWED)
        return True

    def validate_code(
        self, client_id: str, code: str, client: Any, request: Any, *_: Any, **__: Any
    ) -> bool:
        """The code is one of this client's; whether it is still good comes after its checks."""
        request.source = codes.read_code(code, issuer=client.issuer)
        if request.source is None:
            raise OAuthError(Reason.CODE_UNKNOWN)
        if request.source.application_id != client.pk:
            raise OAuthError(Reason.CODE_OTHER_CLIENT)
        return True

    def get_code_challenge(self, code: str, request: Any) -> str:
        """The challenge the code was issued with."""
        return str(request.source.code_challenge)

    def get_code_challenge_method(self, code: str, request: Any) -> str:
        """S256 and no other."""
        return "S256"

    def is_pkce_required(self, client_id: str, request: Any) -> bool:
        """Of everyone (OAuth 2.1 section 4.1.1)."""
        return True

    def confirm_redirect_uri(
        self, client_id: str, code: str, redirect_uri: str, client: Any, request: Any, *_: Any
    ) -> bool:
        """Compared as strings, port included (RFC 6749 section 4.1.3)."""
        if redirect_uri != request.source.redirect_uri:
            raise OAuthError(Reason.CODE_REDIRECT_MISMATCH)
        return True

    def validate_redirect_uri(
        self, client_id: str, redirect_uri: str, request: Any, *_: Any, **__: Any
    ) -> bool:
        """Registered for the client; a loopback port is free (RFC 8252 section 7.3)."""
        registered = request.client.redirect_uri_list
        return any(redirect_matches(known, redirect_uri) for known in registered)

    def validate_refresh_token(
        self, refresh_token: str, client: Any, request: Any, *_: Any, **__: Any
    ) -> bool:
        """The token is one of this client's; its history is judged after all other checks."""
        request.source = refresh.read_refresh(refresh_token, issuer=client.issuer)
        if request.source is None:
            raise OAuthError(Reason.REFRESH_UNKNOWN)
        if request.source.client_pk != client.pk:
            raise OAuthError(Reason.REFRESH_OTHER_CLIENT)
        return True

    def get_original_scopes(
        self, refresh_token: str, request: Any, *_: Any, **__: Any
    ) -> list[str]:
        """What the user allowed when the family began."""
        return str(request.source.scope).split()

    def is_within_original_scope(
        self, request_scopes: list[str], refresh_token: str, request: Any, *_: Any, **__: Any
    ) -> bool:
        """Asked about names that the user did not allow: only `offline_access` is no error."""
        narrow(request_scopes, granted=str(request.source.scope).split())
        return True

    def rotate_refresh_token(self, request: Any) -> bool:
        """On every use."""
        return True

    def revoke_token(
        self, token: str, token_type_hint: str, request: Any, *_: Any, **__: Any
    ) -> None:
        """As at the revocation endpoint, for the client that authenticated."""
        end_token(token, client=request.client, now=clock.now())
