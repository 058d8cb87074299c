"""Remote MCP servers of either kind: those that users add, and those that providers lead to."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Final

from broker.connect.return_urls import base_url, callback_url
from broker.errors import BadProvider, Problem
from broker.models import ProviderConfig, UpstreamConfig, UpstreamServer
from broker.providers.selectors import Provider, provider_of_server
from broker.providers.settings import McpSettings
from broker.remote.discovery import Leniency

SERVER_CALLBACK: Final = "/api/oauth/callback"
DOCUMENT: Final = "/oauth/client-metadata"

Config = UpstreamConfig | ProviderConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One server, where what is found out about it is kept, and what an administrator said of it.

    `callback` is where its users come back to, `document` the client metadata document of ours
    that names that callback. `provider` is the one that leads there, if any.
    """

    model: type[UpstreamConfig | ProviderConfig]
    key: uuid.UUID
    url: str
    callback: str
    document: str
    provider: Provider | None

    @property
    def table(self) -> str:
        """Part of what each sealed value is sealed for."""
        return str(self.model._meta.db_table)  # noqa: SLF001 - Django's own name for it

    @property
    def settings(self) -> McpSettings | None:
        """What the administrator configured for this server."""
        settings = self.provider.settings if self.provider else None
        return settings if isinstance(settings, McpSettings) else None

    @property
    def leniency(self) -> Leniency:
        """What is permitted here.

        Endpoints of other hosts where an administrator chose the server: its users come back to a
        callback of its own, where no code of another service arrives.
        """
        settings = self.settings
        return Leniency(
            without_pkce=settings is not None and not settings.pkce,
            foreign_endpoints=settings is not None and self.model is ProviderConfig,
        )

    def stored(self) -> Config | None:
        """What is known, however old; None when nothing is."""
        return self.model.objects.filter(pk=self.key, url=self.url).first()


def of_server(server: UpstreamServer) -> Target:
    """A server that a user added. All of them share a callback and a document."""
    return Target(
        model=UpstreamConfig,
        key=server.pk,
        url=server.url,
        callback=f"{base_url()}{SERVER_CALLBACK}",
        document=f"{base_url()}{DOCUMENT}.json",
        provider=provider_of_server(server.url),
    )


def of_provider(provider: Provider) -> Target:
    """The server that a provider leads to.

    Raises: BadProvider when it leads to none.
    """
    settings = provider.usable()
    if not isinstance(settings, McpSettings):
        raise BadProvider([Problem("protocol", "is not of an MCP server")])
    return Target(
        model=ProviderConfig,
        key=provider.id,
        url=settings.url,
        callback=callback_url(provider.slug),
        document=f"{base_url()}{DOCUMENT}/{provider.slug}.json",
        provider=provider,
    )
