"""Identity providers and their policies as requests see them. Kept per process for seconds."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from django.db.models import Prefetch

from authplane.core.cache import TimedCache, drop_on_commit
from authplane.core.config import config
from authplane.core.uris import fold_resource
from oauth.federation.keys import KeySource
from oauth.models import TrustedIdP, XAAPolicy

SECONDS_UNTIL_SEEN: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What assertions may obtain. Empty `client_ids` and `resources` mean any.

    `scopes` is None where there is no limit; an empty set denies everything. Otherwise it has to
    cover all that is wanted: what is too much is refused and never cut down.
    """

    name: str
    client_ids: frozenset[str]
    scopes: frozenset[str] | None
    resources: frozenset[str]

    def allows(self, *, client_id: str, resource: str, scope: Collection[str]) -> bool:
        """The client may get these scopes at this resource, which is its registered URI."""
        if self.client_ids and client_id not in self.client_ids:
            return False
        if self.resources and fold_resource(resource) not in self.resources:
            return False
        return self.scopes is None or (bool(self.scopes) and self.scopes.issuperset(scope))


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A trusted identity provider with its enabled policies, the oldest first.

    `audience` is empty where its assertions name our own issuer.
    """

    id: uuid.UUID
    name: str
    issuer: str
    jwks_uri: str
    audience: str
    is_enabled: bool
    policies: tuple[Policy, ...]

    @property
    def expected_audience(self) -> str:
        """What its assertions call us."""
        return self.audience or config().server.issuer

    @property
    def keys(self) -> KeySource:
        """Where its keys are."""
        return KeySource(issuer=self.issuer, jwks_uri=self.jwks_uri)


def find_provider(unverified_issuer: str) -> Provider | None:
    """The identity provider of this name, compared byte for byte; None when there is none.

    All of them are kept together: a name that nobody registered costs no statement.
    """
    return _providers.get("").get(unverified_issuer)


def drop() -> None:
    """This process reads the providers anew at once, every other one after the commit."""
    _providers.forget()
    drop_on_commit(_providers)


def view_of(row: TrustedIdP) -> Provider:
    """The row and its policies as requests see them."""
    return Provider(
        id=row.pk,
        name=row.name,
        issuer=row.issuer,
        jwks_uri=row.jwks_uri,
        audience=row.audience,
        is_enabled=row.enabled,
        policies=tuple(policy_view(policy) for policy in row.policies.all()),
    )


def policy_view(row: XAAPolicy) -> Policy:
    """The policy as requests see it."""
    return Policy(
        name=row.name,
        client_ids=frozenset(row.client_ids or ()),
        scopes=None if row.scopes is None else frozenset(row.scopes),
        resources=frozenset(map(fold_resource, row.resources or ())),
    )


def _load(_: str) -> dict[str, Provider]:
    enabled = Prefetch("policies", XAAPolicy.objects.filter(enabled=True).order_by("pk"))
    rows = TrustedIdP.objects.order_by("pk").prefetch_related(enabled)
    return {row.issuer: view_of(row) for row in rows}


_providers: TimedCache[str, dict[str, Provider]] = TimedCache(
    "identity_providers", ttl=SECONDS_UNTIL_SEEN, load=_load
)
