"""Proxies by the names that requests use. Kept per process for a few seconds."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Final

from authplane.core.cache import TimedCache, drop_on_commit
from authplane.core.uris import fold_resource
from broker.models import OAuthProxy
from oauth.issuers import issuer_url
from oauth.models import Resource
from oauth.resources.view import ResourceView, ScopeView

ROOT: Final = "/api/v1/oauth-proxy"
SECONDS_UNTIL_SEEN: Final = 5.0
_ALL: Final = "proxies"
_NAMES: Final = uuid.UUID("5f0c6a52-3f0e-4c1b-9a6e-2f6f6f3f2f10")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """A proxy as requests see it. `resource` is the audience of its tokens, byte for byte."""

    id: int
    slug: str
    name: str
    mode: str
    provider_id: uuid.UUID
    resource: str
    allowed_redirects: tuple[str, ...]
    scopes: tuple[str, ...]
    require_consent: bool

    @property
    def key(self) -> str:
        """The key of its issuer: the path below the public URL."""
        return issuer_key(self.id)

    @property
    def issuer(self) -> str:
        """The `iss` of its tokens."""
        return issuer_url(self.key)

    @property
    def is_gateway(self) -> bool:
        """Clients hold tokens of the proxy's, not of the service behind it."""
        return self.mode == OAuthProxy.Mode.GATEWAY

    @property
    def view(self) -> ResourceView:
        """What its tokens are for, as the rules of scopes and the pages see a resource."""
        return ResourceView(
            id=uuid.uuid5(_NAMES, str(self.id)),
            slug=self.slug,
            uri=self.resource,
            display_name=self.name,
            backend_kind=Resource.Backend.MINT,
            scopes=tuple(ScopeView(name, "", True, (name,)) for name in self.scopes),
            runtime_client_ids=frozenset(),
            exchange_allowed_client_ids=frozenset(),
        )


def issuer_key(proxy_id: int) -> str:
    """What the `issuer` columns hold for this proxy."""
    return f"{ROOT}/{proxy_id}"


def proxy_by_id(proxy_id: int) -> Proxy | None:
    """The enabled proxy of this id, at most five seconds old; None when there is none."""
    return _proxies.get(_ALL).by_id.get(proxy_id)


def proxy_by_slug(slug: str) -> Proxy | None:
    """The enabled proxy of this slug, at most five seconds old; None when there is none."""
    return _proxies.get(_ALL).by_slug.get(slug)


def proxies() -> tuple[Proxy, ...]:
    """All enabled proxies, at most five seconds old."""
    return _proxies.get(_ALL).every


def view_of(row: OAuthProxy) -> Proxy:
    """The row as requests see it."""
    return Proxy(
        id=row.pk,
        slug=row.slug,
        name=row.name,
        mode=row.mode,
        provider_id=row.provider_id,
        resource=row.target_url,
        allowed_redirects=tuple(row.allowed_redirects),
        scopes=tuple(row.scopes),
        require_consent=row.require_consent,
    )


def drop() -> None:
    """This process reads the proxies anew at once, every other one after the commit."""
    _proxies.forget()
    drop_on_commit(_proxies)


class _Directory:
    """All enabled proxies. They are few; ids that nobody has then cost no question."""

    def __init__(self) -> None:
        rows = OAuthProxy.objects.filter(enabled=True).order_by("id")
        self.every = tuple(view_of(row) for row in rows)
        self.by_id = {proxy.id: proxy for proxy in self.every}
        self.by_slug = {proxy.slug: proxy for proxy in self.every}
        self.by_resource = {fold_resource(proxy.resource): proxy for proxy in self.every}


_proxies: TimedCache[str, _Directory] = TimedCache(
    "oauth-proxies", ttl=SECONDS_UNTIL_SEEN, load=lambda _: _Directory()
)
