"""Proxies that exist after the first start."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from authplane.core.seeding import Section
from broker.models import OAuthProxy
from broker.proxies.errors import BadProxy, ProxyConflict
from broker.proxies.services import create_proxy

Seed = Mapping[str, Any]
NAME: Final = "oauth_proxies"


def _slug(seed: Seed) -> str:
    return str(seed.get("slug") or "").lower().replace("\0", "")


OAUTH_PROXIES: Final = Section(
    noun="OAuth proxy",
    name_of=_slug,
    exists=lambda seed: OAuthProxy.objects.filter(slug=_slug(seed)).exists(),
    create=lambda seed, actor: create_proxy(seed, actor=actor),
    refusals=(BadProxy, ProxyConflict),
)
"""Known by slug; planted after the providers that they lead to."""
