"""Proxies that exist after the first start."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from authplane.core.seeding import Portable, Section, Written, spoken
from broker.models import OAuthProxy
from broker.proxies.body import CONFIG
from broker.proxies.errors import BadProxy, ProxyConflict
from broker.proxies.services import create_proxy, patch_proxy

Seed = Mapping[str, Any]
NAME: Final = "oauth_proxies"
DEFAULTS: Final[Mapping[str, Any]] = {
    "mode": OAuthProxy.Mode.GATEWAY.value, "allowed_redirects": [], "scopes": [],
    "require_consent": True, "enabled": True,
}  # fmt: skip


def _slug(seed: Seed) -> str:
    return str(seed.get("slug") or "").lower().replace("\0", "")


def _written() -> Iterator[Written]:
    """`config` says the same again, in part by numbers of this server: it stays here."""
    for row in OAuthProxy.objects.select_related("provider").order_by("slug"):
        members = {name: getattr(row, name) for name in DEFAULTS} | {"name": row.name}
        seed = {"slug": row.slug, "provider": row.provider.slug, "target_url": row.target_url}
        seed |= spoken(members, defaults={**DEFAULTS, "name": row.slug})
        yield Written(row.slug, row.pk, seed)


def _change(written: Written, seed: Seed, actor: str) -> None:
    """What `config` says counts as said. Raises: BadProxy, ProxyConflict."""
    config = seed.get("config")
    said = {CONFIG[name] for name in config if name in CONFIG} if isinstance(config, dict) else ()
    usual = {name: value for name, value in DEFAULTS.items() if name not in said}
    patch_proxy(written.row, {**usual, "name": written.name, **seed}, actor=actor)


OAUTH_PROXIES: Final = Section(
    noun="OAuth proxy",
    name_of=_slug,
    exists=lambda seed: OAuthProxy.objects.filter(slug=_slug(seed)).exists(),
    create=lambda seed, actor: create_proxy(seed, actor=actor),
    refusals=(BadProxy, ProxyConflict),
    portable=Portable(written=_written, change=_change),
)
"""Known by slug; planted after the providers that they lead to."""
