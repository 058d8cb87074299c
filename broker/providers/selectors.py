"""Providers by the names that requests use. Kept per process for a few seconds."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Final

from authplane.core.cache import TimedCache, drop_on_commit
from authplane.core.uris import fold_resource
from broker.errors import BadProvider, Problem
from broker.models import BrokerProvider
from broker.providers.configuration import read_configuration
from broker.providers.secrets import open_secret
from broker.providers.settings import (
    ApiKeySettings,
    McpSettings,
    ServiceAccountSettings,
    Settings,
)

SECONDS_UNTIL_SEEN: Final = 5.0
_ALL: Final = "providers"


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A provider as requests see it: its configuration was judged once, when it was read.

    `settings` is None when the stored configuration is not acceptable, which only a row that was
    written past the services can be; `problems` then says why.
    """

    id: uuid.UUID
    number: int
    slug: str
    display_name: str
    protocol: str
    preset: str
    enabled: bool
    version: int
    settings: Settings | None
    problems: tuple[Problem, ...] = ()
    secret_sealed: bytes | None = None

    def usable(self) -> Settings:
        """The settings.

        Raises: BadProvider when the stored configuration is not acceptable.
        """
        if self.settings is None:
            raise BadProvider(self.problems)
        return self.settings

    def secret(self) -> str:
        """The client secret, or the key of the service account; empty where there is none.

        It is opened anew each time: no secret in clear stays in memory between requests.

        Raises: SecretUnavailable, BadProvider.
        """
        return open_secret(self.id, self.secret_sealed, reference=reference_of(self.usable()))


def provider_by_slug(slug: str) -> Provider | None:
    """The provider of this slug, at most five seconds old; None when there is none."""
    return _providers.get(_ALL).by_slug.get(slug)


def provider_by_id(key: uuid.UUID | None) -> Provider | None:
    """The provider of this row id, at most five seconds old; None when there is none."""
    return _providers.get(_ALL).by_id.get(key) if key else None


def provider_of_server(url: str) -> Provider | None:
    """The enabled provider that leads to the MCP server at this URL; None when there is none."""
    return _providers.get(_ALL).by_url.get(fold_resource(url))


def reference_of(settings: Settings) -> str:
    """The name of the variable that holds the secret; empty when none does."""
    if isinstance(settings, ApiKeySettings):
        return ""
    if isinstance(settings, ServiceAccountSettings):
        return settings.key_ref
    return settings.secret_ref


def view_of(row: BrokerProvider) -> Provider:
    """The row as requests see it."""
    sealed = None if row.secret_sealed is None else bytes(row.secret_sealed)
    settings, problems = read_configuration(
        row.protocol, row.config_data, preset=row.preset, has_secret=sealed is not None
    )
    return Provider(
        id=row.pk,
        number=row.number,
        slug=row.slug,
        display_name=row.display_name,
        protocol=row.protocol,
        preset=row.preset,
        enabled=row.enabled,
        version=row.version,
        settings=settings,
        problems=tuple(problems),
        secret_sealed=sealed,
    )


def drop() -> None:
    """This process reads the providers anew at once, every other one after the commit."""
    _providers.forget()
    drop_on_commit(_providers)


class _Directory:
    """All providers. They are few; names that nobody registered then cost no question."""

    def __init__(self) -> None:
        providers = [view_of(row) for row in BrokerProvider.objects.all()]
        self.by_id = {provider.id: provider for provider in providers}
        self.by_slug = {provider.slug: provider for provider in providers}
        self.by_url = {
            fold_resource(provider.settings.url): provider
            for provider in sorted(providers, key=lambda one: one.number, reverse=True)
            if isinstance(provider.settings, McpSettings) and provider.enabled
        }


_providers: TimedCache[str, _Directory] = TimedCache(
    "providers", ttl=SECONDS_UNTIL_SEEN, load=lambda _: _Directory()
)
