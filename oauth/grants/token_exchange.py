"""Token exchange: one token is traded for another (RFC 8693)."""

from __future__ import annotations

from typing import Any, Final, Protocol

from oauth.engine.request import TokenRequest
from oauth.errors import OAuthError, Reason
from oauth.grants.exchanged import AccessTokenExchange
from oauth.grants.identity_assertion import IdentityAssertion
from oauth.grants.staged import StagedGrant
from oauth.tokens.exchange.presented import ACCESS_TOKEN_TYPE, JWT_TYPE
from oauth.xaa.issuing import ID_JAG


class Exchange(Protocol):
    """One kind of thing a token can be exchanged into."""

    def decide(self, request: TokenRequest) -> None:
        """The exchange is permitted; what was decided stands on the request.

        Checks only: nothing is spent, nothing is written.

        Raises: OAuthError.
        """

    def issue(self, request: TokenRequest, token_handler: Any) -> dict[str, Any]:
        """The token is recorded; the members of the answer.

        Raises: OAuthError when what was decided no longer holds; then nothing has changed.
        """


class TokenExchange(StagedGrant):
    """RFC 8693 for confidential clients. `requested_token_type` says what is wanted."""

    def __init__(self, request_validator: Any) -> None:
        self.request_validator = request_validator

    def validate_token_request(self, request: TokenRequest) -> None:
        """The kind of token is one we make, and its own checks hold.

        Spec: RFC 8693 section 2.1. Public clients are refused: anybody can be one.
        """
        if request.client.is_public:
            raise OAuthError(Reason.CLIENT_PUBLIC)
        _exchange_of(request).decide(request)

    def issue(self, request: TokenRequest, token_handler: Any) -> dict[str, Any]:
        """The answer of that kind."""
        return _exchange_of(request).issue(request, token_handler)


_access_tokens: Final = AccessTokenExchange()
EXCHANGES: Final[dict[str, Exchange]] = {
    ACCESS_TOKEN_TYPE: _access_tokens,
    JWT_TYPE: _access_tokens,
    ID_JAG: IdentityAssertion(),
}
"""What can be asked for, by `requested_token_type`."""


def _exchange_of(request: TokenRequest) -> Exchange:
    wanted = request.parameters.get("requested_token_type", ACCESS_TOKEN_TYPE)
    exchange = EXCHANGES.get(wanted)
    if exchange is None:
        raise OAuthError(Reason.REQUESTED_TOKEN_TYPE)
    return exchange
