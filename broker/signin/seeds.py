"""Identity providers that exist after a start: those of the list, and the one of the settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from authplane.core.config import config
from authplane.core.seeding import Section
from broker.models import IdentityProvider
from broker.signin.errors import BadProvider, ProviderConflict
from broker.signin.secrets import CONFIGURED
from broker.signin.services import GOVERNED, create_provider, put_configured

Seed = Mapping[str, Any]
NAME: Final = "identity_providers"


def configured_providers() -> list[Seed]:
    """The seeds of the configuration. What the settings say stands on top of the list's `oidc`."""
    rows: list[Seed] = list(config().seeds.identity_providers)
    if not config().oidc.enabled:
        return rows
    beside = next((row for row in rows if _slug(row) == CONFIGURED), {})
    others = [row for row in rows if _slug(row) != CONFIGURED]
    return [{**beside, **_settings()}, *others]


def _settings() -> dict[str, Any]:
    oidc = config().oidc
    return {
        "slug": CONFIGURED,
        "display_name": oidc.display_name or urlsplit(oidc.issuer).hostname or CONFIGURED,
        "issuer": oidc.issuer,
        "client_id": oidc.client_id,
        "secret_ref": oidc.client_secret_ref,
        "scopes": list(oidc.scopes),
        "connector_id": oidc.connector_id,
        "include_groups_scope": oidc.include_groups_scope,
    }


def _slug(seed: Seed) -> str:
    """What a slug would be compared as; NUL, which PostgreSQL refuses to compare, is in none."""
    return str(seed.get("slug") or "").lower().replace("\0", "")


def _exists(seed: Seed) -> bool:
    """Whether nothing is to be done: the settings' provider has to be what they say."""
    row = IdentityProvider.objects.filter(slug=_slug(seed)).first()
    if row is None or not _is_settings(seed):
        return row is not None
    return all(getattr(row, name) == seed[name] for name in GOVERNED if name in seed)


def _create(seed: Seed, actor: str) -> object:
    return (put_configured if _is_settings(seed) else create_provider)(seed, actor=actor)


def _is_settings(seed: Seed) -> bool:
    return _slug(seed) == CONFIGURED and config().oidc.enabled


IDENTITY_PROVIDERS: Final = Section(
    noun="identity provider",
    name_of=_slug,
    exists=_exists,
    create=_create,
    refusals=(BadProvider, ProviderConflict),
)
"""Known by slug. The one of the settings follows them at each start."""
