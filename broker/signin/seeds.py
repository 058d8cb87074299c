"""Identity providers that exist after a start: those of the list, and the one of the settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from authplane.core.config import config
from authplane.core.hashing import constant_time_equals
from authplane.core.seeding import Portable, Section, Written, spoken
from broker.errors import SecretUnavailable
from broker.models import IdentityProvider
from broker.signin.body import DEFAULT_SCOPES
from broker.signin.errors import BadProvider, ProviderConflict
from broker.signin.secrets import CONFIGURED, open_secret
from broker.signin.services import GOVERNED, create_provider, patch_provider, put_configured

Seed = Mapping[str, Any]
NAME: Final = "identity_providers"
REQUIRED: Final = ("slug", "display_name", "issuer", "client_id")
DEFAULTS: Final[Mapping[str, Any]] = {
    "secret_ref": "", "token_endpoint_auth_method": "", "scopes": list(DEFAULT_SCOPES),
    "include_groups_scope": False, "connector_id": "", "allowed_domains": [], "groups_claim": "",
    "role_map": {}, "enabled": True,
}  # fmt: skip


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


def _written() -> Iterator[Written]:
    """All of them; of the settings' own what the settings do not say."""
    for row in IdentityProvider.objects.order_by("slug"):
        is_governed = row.slug == CONFIGURED
        members = {name: getattr(row, name) for name in (*REQUIRED, *DEFAULTS)}
        if is_governed:
            members = {name: members[name] for name in members if name not in GOVERNED}
        seed = {"slug": row.slug} | spoken(members, defaults=DEFAULTS)
        sealed = None if row.secret_sealed is None or is_governed else bytes(row.secret_sealed)
        is_usual = is_governed and len(seed) == 1
        yield Written(row.slug, row.pk, seed, sealed=sealed, goes_without_saying=is_usual)


def _change(written: Written, seed: Seed, actor: str) -> None:
    """Raises: BadProvider, ProviderConflict."""
    body = {**DEFAULTS, **seed}
    if written.name == CONFIGURED:
        usual = {name: value for name, value in DEFAULTS.items() if name not in GOVERNED}
        body = {**usual, **seed}
        body.pop("slug", None)
    if _is_kept(written, body.get("secret")):
        del body["secret"]
    patch_provider(written.row, body, actor=actor)


def _is_kept(written: Written, secret: object) -> bool:
    """Whether this very secret is stored: sealing it anew would look like a change."""
    if not isinstance(secret, str) or written.sealed is None:
        return False
    try:
        present = open_secret(written.row, slug=written.name, sealed=written.sealed, reference="")
    except SecretUnavailable:
        return False
    return constant_time_equals(present, secret)


IDENTITY_PROVIDERS: Final = Section(
    noun="identity provider",
    name_of=_slug,
    exists=_exists,
    create=_create,
    refusals=(BadProvider, ProviderConflict),
    portable=Portable(written=_written, change=_change),
)
"""Known by slug. The one of the settings follows them at each start."""
