"""What every grant has in common: decide first, then issue. Nothing is spent while deciding."""

from abc import ABC, abstractmethod
from typing import Any

from oauth.engine.request import TokenRequest


class StagedGrant(ABC):
    """Mixed in before oauthlib's grant classes: their checks decide, our `issue` stores.

    oauthlib's own method turns refusals into bytes on the spot and writes tokens into its log;
    here a refusal is an exception all the way to the one renderer.
    """

    def create_token_response(self, request: TokenRequest, token_handler: Any) -> dict[str, Any]:
        """The members of the answer.

        Raises: OAuth2Error; then nothing has changed, except that a replay may have ended what
        the replayed credential began.
        """
        self.validate_token_request(request)  # type: ignore[attr-defined]
        request.binding.spend()
        return self.issue(request, token_handler)

    @abstractmethod
    def issue(self, request: TokenRequest, token_handler: Any) -> dict[str, Any]:
        """The tokens are recorded and returned."""
