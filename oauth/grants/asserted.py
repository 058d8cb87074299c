"""The jwt-bearer grant of an identity provider's assertion about a user (ID-JAG)."""

from __future__ import annotations

from typing import Any

from oauth.engine.request import TokenRequest
from oauth.errors import OAuthError, Reason


class AssertedGrant:
    """A trusted identity provider says who the user is; policies say what follows from it."""

    def decide(self, request: TokenRequest) -> None:
        """The assertion holds and the client may have this; nothing is spent.

        Raises: OAuthError.
        """
        raise OAuthError(Reason.ASSERTION_ISSUER)

    def issue(self, request: TokenRequest, token_handler: Any) -> dict[str, Any]:
        """The assertion is used and the token recorded."""
        raise NotImplementedError
