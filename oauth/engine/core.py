"""What crosses from Django to oauthlib: the parameters, two headers, the URL called."""

from typing import Any, Final

from django.http import HttpRequest
from oauth2_provider.oauth2_backends import OAuthLibCore
from oauthlib.oauth2.rfc6749.errors import OAuth2Error

from authplane.core.config import config
from authplane.core.forms import read_parameters
from oauth.clients.certificates import presented_certificate
from oauth.engine.request import TokenRequest

ROOT_ALIASES: Final = frozenset({"/token", "/introspect", "/revoke"})
"""Fallback endpoints of MCP 2025-03-26; they read one flat JSON object as well as a form."""


class AuthplaneCore(OAuthLibCore):
    """The bridge of django-oauth-toolkit, narrowed."""

    def create_token_response(self, request: HttpRequest) -> dict[str, Any]:
        """The members of the token endpoint's answer.

        Raises: BadBody for an unreadable body, OAuth2Error for a refusal.
        """
        sealed = seal(request)
        try:
            answer: dict[str, Any] = self.server.create_token_response(sealed)
        except OAuth2Error as refusal:
            attribute(refusal, sealed)
            raise
        return answer


def attribute(refusal: OAuth2Error, sealed: TokenRequest) -> None:
    """The refusal says, for the record, who had already proved themselves."""
    refusal.refused_client = sealed.client
    refusal.refused_grant = sealed.parameters.get("grant_type", "")
    refusal.refused_family = getattr(sealed.source, "family_id", None)
    refusal.refused_user = getattr(sealed.source, "user_id", None)


def seal(request: HttpRequest) -> TokenRequest:
    """The request as the stages see it.

    The root aliases read one flat JSON object as well.
    """
    return TokenRequest(
        read_pairs(request),
        endpoint=called_url(request.path_info),
        authorization=request.META.get("HTTP_AUTHORIZATION", ""),
        dpop_proofs=presented_proofs(request),
        certificate=presented_certificate(request.META),
    )


def presented_proofs(request: HttpRequest) -> tuple[str, ...]:
    """The values of all DPoP headers. Servers join repeated headers; a proof has no comma."""
    header = request.META.get("HTTP_DPOP")
    return () if header is None else tuple(value.strip() for value in header.split(","))


def read_pairs(request: HttpRequest) -> list[tuple[str, str]]:
    """The parameters of the body in the order sent, repeated ones included.

    Raises: BadBody.
    """
    return read_parameters(request, json_too=request.path_info in ROOT_ALIASES)


def called_url(path: str) -> str:
    """The absolute URL under which a path of this server is known to its clients.

    Made from the issuer, not from the Host header, which is the caller's to choose.
    """
    return config().server.issuer.rstrip("/") + path
