"""The token endpoint as one sequence of stages, the same for every grant.

1 receive    oauth.views.token          limits, media type, no-store
2 translate  oauth.engine.core          only what is needed crosses over
3 seal       oauth.engine.request       wire names cannot shadow server state
4 identify   oauth.engine.identity      exactly one method, uniform failure; or a workload
5 permit     here                       grant known, switched on, held by the client
6 prove      oauth.engine.binding       the key or certificate that tokens are bound to
7 decide     oauth.grants.<grant>       checks only
8 issue      oauth.tokens               sign, spend, record: one statement
  answer     oauth.engine.responses     one renderer for success and refusal
"""

from typing import Any

from oauthlib.oauth2.rfc6749.endpoints.base import BaseEndpoint

from authplane.core import clock
from oauth.clients.authentication import authenticate_client
from oauth.clients.policy import enabled_grants
from oauth.engine.binding import check_proof, prove_possession
from oauth.engine.identity import identify
from oauth.engine.request import TokenRequest
from oauth.engine.token_type import SenderConstrainedToken
from oauth.errors import OAuthError, Reason
from oauth.grants import GRANTS


class AuthplaneServer(BaseEndpoint):
    """oauthlib's server with exactly our grants. Holds nothing that belongs to one request."""

    def __init__(self, request_validator: Any, *_: Any, **__: Any) -> None:
        super().__init__()
        self.request_validator = request_validator
        self.token_type = SenderConstrainedToken(request_validator)
        self.grants = {name: grant(request_validator) for name, grant in GRANTS.items()}

    def create_token_response(self, request: TokenRequest) -> dict[str, Any]:
        """Stages 4 to 8 for a sealed request; the members of the answer.

        Raises: OAuth2Error, which the renderer turns into the refusal.
        """
        grant_type = require_offered(request.parameters.get("grant_type"))
        request.client = identify(
            request,
            grant_type=grant_type,
            authenticate=lambda: authenticate_client(
                request.parameters,
                authorization=request.authorization_header,
                endpoint=request.endpoint,
                now=clock.now(),
                certificate=request.certificate,
                before_spending=lambda: check_proof(request),
            ),
        )
        request.client_id = request.client.client_id
        if not request.client.allows_grant_type(grant_type):
            raise OAuthError(Reason.GRANT_TYPE_NOT_ALLOWED)
        request.binding = prove_possession(request)
        answer: dict[str, Any] = self.grants[grant_type].create_token_response(
            request, self.token_type
        )
        return answer


def require_offered(unverified_grant_type: str | None) -> str:
    """The grant type, which this server knows and has switched on.

    Spec: RFC 6749 section 5.2 (`unsupported_grant_type`; a missing one is `invalid_request`).
    """
    if not unverified_grant_type:
        raise OAuthError(Reason.GRANT_TYPE_MISSING)
    if unverified_grant_type not in GRANTS:
        raise OAuthError(Reason.GRANT_TYPE_UNKNOWN)
    if unverified_grant_type not in enabled_grants():
        raise OAuthError(Reason.GRANT_TYPE_DISABLED)
    return unverified_grant_type
