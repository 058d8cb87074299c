"""The jwt-bearer grant: somebody else's signed statement is traded for a token (RFC 7523)."""

from __future__ import annotations

from typing import Any, Protocol

from oauth.engine.request import TokenRequest
from oauth.errors import OAuthError, Reason
from oauth.federation.workload import Workload
from oauth.grants.asserted import AssertedGrant
from oauth.grants.staged import StagedGrant
from oauth.grants.workload import WorkloadGrant


class AssertionKind(Protocol):
    """One kind of assertion."""

    def decide(self, request: TokenRequest) -> None:
        """The assertion holds; what was decided stands on the request. Nothing is spent.

        Raises: OAuthError.
        """

    def issue(self, request: TokenRequest, token_handler: Any) -> dict[str, Any]:
        """The assertion is used and the token is recorded; the members of the answer.

        Raises: OAuthError when the assertion was used meanwhile; then nothing has changed.
        """


class JwtBearer(StagedGrant):
    """RFC 7523 section 2.1. Who issued the assertion decides what it is.

    A workload was recognised when its client was identified: it has no other credential. Whoever
    proved to be a client brings an identity provider's assertion about a user.
    """

    def __init__(self, request_validator: Any) -> None:
        self.request_validator = request_validator

    def validate_token_request(self, request: TokenRequest) -> None:
        """The assertion is one we accept, and its own checks hold.

        Spec: RFC 7523 sections 2.1 and 3.
        """
        if not request.parameters.get("assertion"):
            raise OAuthError(Reason.ASSERTION_MISSING)
        _kind_of(request).decide(request)

    def issue(self, request: TokenRequest, token_handler: Any) -> dict[str, Any]:
        """The answer of that kind."""
        return _kind_of(request).issue(request, token_handler)


_ASSERTED = AssertedGrant()
_WORKLOAD = WorkloadGrant()


def _kind_of(request: TokenRequest) -> AssertionKind:
    return _WORKLOAD if isinstance(request.source, Workload) else _ASSERTED
