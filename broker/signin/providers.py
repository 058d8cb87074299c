"""Identity providers as requests see them. Kept per process for a few seconds."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Final

from authplane.core.cache import TimedCache, drop_on_commit
from authplane.core.config import config
from broker.models import IdentityProvider
from broker.signin.secrets import CONFIGURED, open_secret

CALLBACK: Final = "/oidc/callback"
SECONDS_UNTIL_SEEN: Final = 5.0
_ALL: Final = "identity providers"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInProvider:
    """An OpenID provider that people may sign in with now, or not while it is not `enabled`."""

    id: uuid.UUID
    slug: str
    display_name: str
    issuer: str
    client_id: str
    scopes: tuple[str, ...]
    include_groups_scope: bool
    connector_id: str
    allowed_domains: frozenset[str]
    groups_claim: str
    role_map: dict[str, str]
    enabled: bool
    auth_method: str = ""
    secret_ref: str = ""
    secret_sealed: bytes | None = None

    @property
    def redirect_uri(self) -> str:
        """Where it sends people back to: an address of its own among all providers."""
        return redirect_uri(self.slug)

    def secret(self) -> str:
        """Our secret there, opened anew each time. Raises: SecretUnavailable."""
        return open_secret(
            self.id, slug=self.slug, sealed=self.secret_sealed, reference=self.secret_ref
        )


def redirect_uri(slug: str) -> str:
    """The callback of the provider with this slug.

    No two share one: an answer that is meant for one provider and arrives at another's address
    shows that the two were mixed up.

    Spec: RFC 9700 section 4.4.2.2 (a redirect URI of its own for each issuer).
    """
    own = config().oidc.redirect_uri or f"{config().server.issuer.rstrip('/')}{CALLBACK}"
    return own if slug == CONFIGURED else f"{own}/{slug}"


def signed_out_uri() -> str:
    """Where a provider may send people after it signed them out: our sign-in page."""
    return f"{redirect_uri(CONFIGURED).removesuffix(CALLBACK)}/login"


def enabled_providers() -> tuple[SignInProvider, ...]:
    """Those that people may sign in with, by name; at most five seconds old."""
    return tuple(one for one in _providers.get(_ALL) if one.enabled)


def provider_by_slug(slug: str) -> SignInProvider | None:
    """The enabled provider of this slug; None when there is none."""
    return next((one for one in enabled_providers() if one.slug == slug), None)


def provider_by_id(key: uuid.UUID | None) -> SignInProvider | None:
    """The enabled provider of this row; None when there is none."""
    return next((one for one in enabled_providers() if one.id == key), None)


def is_enabled(row: IdentityProvider) -> bool:
    """Whether people may sign in with it: the configured one only while it is configured."""
    return row.enabled and (row.slug != CONFIGURED or config().oidc.enabled)


def drop() -> None:
    """This process reads the providers anew at once, every other one after the commit."""
    _providers.forget()
    drop_on_commit(_providers)


def _load(_: str) -> tuple[SignInProvider, ...]:
    return tuple(_view_of(row) for row in IdentityProvider.objects.order_by("display_name", "pk"))


def _view_of(row: IdentityProvider) -> SignInProvider:
    return SignInProvider(
        id=row.pk,
        slug=row.slug,
        display_name=row.display_name,
        issuer=row.issuer,
        client_id=row.client_id,
        scopes=tuple(row.scopes),
        include_groups_scope=row.include_groups_scope,
        connector_id=row.connector_id,
        allowed_domains=frozenset(row.allowed_domains),
        groups_claim=row.groups_claim,
        role_map=dict(row.role_map),
        enabled=is_enabled(row),
        auth_method=row.token_endpoint_auth_method,
        secret_ref=row.secret_ref,
        secret_sealed=None if row.secret_sealed is None else bytes(row.secret_sealed),
    )


_providers: TimedCache[str, tuple[SignInProvider, ...]] = TimedCache(
    "sign_in_providers", ttl=SECONDS_UNTIL_SEEN, load=_load
)
