"""The token request, sealed: what the client sent cannot shadow what the server knows."""

from collections.abc import Sequence
from typing import Any, Final

from oauthlib.common import Request

from oauth.clients.certificates import Certificate
from oauth.engine.binding import UNBOUND, Binding
from oauth.errors import OAuthError, Reason

REPEATABLE: Final = frozenset({"resource", "audience"})
_KNOWN: Final = (
    "grant_type",
    "code",
    "redirect_uri",
    "code_verifier",
    "refresh_token",
    "scope",
)


class TokenRequest(Request):
    """oauthlib's request with the wire names it may read, and nothing else from the wire.

    oauthlib turns every body parameter into an attribute, so that `user=`, `client=` or `scopes=`
    in a body would stand where the server keeps its own findings. Here the body stays in
    `parameters`; only the names that the standard grants read become attributes.

    Spec: RFC 6749 section 3.2: parameters MUST NOT be included more than once, and those sent
    without a value are treated as omitted.
    Raises: OAuthError.
    """

    def __init__(
        self,
        pairs: Sequence[tuple[str, str]],
        *,
        endpoint: str,
        authorization: str = "",
        dpop_proofs: Sequence[str] = (),
        certificate: Certificate | None = None,
    ) -> None:
        # oauthlib's own initialiser would merge the body into the attributes.
        given = [(name, value) for name, value in pairs if value]
        single = [name for name, _ in pairs if name not in REPEATABLE]
        if len(single) != len(set(single)):
            raise OAuthError(Reason.PARAMETER_DUPLICATED)
        self.parameters: dict[str, str] = dict(given)
        self.resources = tuple(value for name, value in given if name in REPEATABLE)
        self.audiences = tuple(value for name, value in given if name == "audience")
        self.endpoint = endpoint
        self.authorization_header = authorization
        self.dpop_proofs = tuple(dpop_proofs)
        self.certificate = certificate
        self.uri, self.http_method, self.body = endpoint, "POST", None
        self.headers: dict[str, str] = {}
        self.decoded_body: list[tuple[str, str]] = []
        self.oauth_params: list[tuple[str, str]] = []
        self.validator_log: dict[str, Any] = {}
        self._params: dict[str, Any] = {name: self.parameters.get(name) for name in _KNOWN}
        self._params |= {
            "client_id": self.parameters.get("client_id"),
            "client": None,
            "user": None,
            "scopes": None,
            "extra_credentials": None,
            "claims": None,
            "access_token": None,
            "using_default_redirect_uri": False,
            # Not parameters here, but every error of oauthlib reads them from its request.
            "response_type": None,
            "response_mode": None,
            "state": None,
        }
        self.binding: Binding = UNBOUND
        self.authorization: Any = None
        self.source: Any = None
        self.minted_access: Any = None
        self.minted_refresh: Any = None

    @property
    def duplicate_params(self) -> list[str]:
        """None: a request that repeats a parameter is never built."""
        return []

    def __repr__(self) -> str:
        """Never the parameters: oauthlib formats requests into its log lines."""
        return f"<token request {self._params.get('grant_type')!r:.40}>"
