"""How a service is asked for what a user wants to connect."""

from __future__ import annotations

from dataclasses import dataclass

from authplane.core import clock
from broker.connect import refusals
from broker.connect.wishes import NotConnectable, Wish
from broker.providers.settings import McpSettings, OAuthSettings
from broker.remote.configuration import configured_provider
from broker.upstream.issuer import signs_answers
from broker.upstream.registry import OAuthAdapter, adapter_for, adapter_for_server


@dataclass(frozen=True, slots=True)
class Way:
    """The service, which scopes it is asked for, and whether it promises `iss` in its answers."""

    adapter: OAuthAdapter
    scopes: tuple[str, ...]
    iss_promised: bool


def way_to(wish: Wish) -> Way:
    """The way to the service; to a remote MCP server it is discovered anew where that is due.

    Raises: NotConnectable, BadProvider, SecretUnavailable, UpstreamError, CryptoError.
    """
    settings = wish.provider.usable()
    if isinstance(settings, McpSettings):
        found = configured_provider(wish.provider, now=clock.now())
        # A resource that names no scopes leaves it to the administrator, and then to the server.
        scopes = wish.scopes or settings.scopes or tuple(found.scopes)
        return Way(adapter_for_server(found), scopes, found.tells_issuer)
    adapter = adapter_for(wish.provider)
    if not isinstance(adapter, OAuthAdapter) or not isinstance(settings, OAuthSettings):
        raise NotConnectable(refusals.NO_CONNECT)
    return Way(adapter, wish.scopes, signs_answers(settings))
