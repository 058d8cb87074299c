"""Resources by the names that requests use. Kept per process for a few seconds."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from django.db import InterfaceError, OperationalError

from authplane.core.cache import TimedCache, drop_on_commit
from authplane.core.config import config
from authplane.core.uris import fold_resource
from oauth.models import Resource
from oauth.resources.view import ResourceView, Rules, ScopeView

if TYPE_CHECKING:
    import uuid

SECONDS_UNTIL_SEEN: Final = 5.0

__all__ = [
    "Directory", "ResourceView", "ScopeView", "directory", "drop", "find_resource",
    "find_resource_by_id", "issuer_resource", "resource_of_audience", "view_of",
]  # fmt: skip

log = logging.getLogger(__name__)


class Directory:
    """All resources, by slug, by folded URI and by audience.

    Read as a whole: names that nobody registered are then refused without asking the database,
    however many of them are tried.
    """

    def __init__(self, resources: Iterable[ResourceView]) -> None:
        self.resources = tuple(resources)
        self.by_id = {resource.id: resource for resource in self.resources}
        self.by_slug = {resource.slug: resource for resource in self.resources}
        named = [resource for resource in self.resources if resource.uri]
        self.by_audience = {resource.uri: resource for resource in named}
        self.by_uri = {fold_resource(resource.uri): resource for resource in named}


def directory() -> Directory:
    """All resources, at most five seconds old."""
    return _directories.get(config().server.issuer)


def find_resource(identifier: str) -> ResourceView | None:
    """The resource of this slug or URI; None when there is none.

    The two kinds of name cannot meet: a URI has a colon, a slug has none.
    """
    known = directory()
    # Nearly always it is spelled as it was registered.
    exact = known.by_audience.get(identifier) or known.by_slug.get(identifier)
    return exact or known.by_uri.get(fold_resource(identifier))


def issuer_resource() -> ResourceView:
    """This server itself as a resource: what tokens without a resource are for.

    Raises: LookupError when the database was never migrated.
    """
    for resource in directory().resources:
        if resource.backend_kind == Resource.Backend.ISSUER:
            return resource
    raise LookupError("the built-in resource is missing; run: manage.py migrate")


def resource_of_audience(uri: str) -> ResourceView | None:
    """The resource that tokens with this audience are for, compared byte for byte."""
    return directory().by_audience.get(uri)


def find_resource_by_id(key: uuid.UUID) -> ResourceView | None:
    """The resource of this row id."""
    return directory().by_id.get(key)


def drop() -> None:
    """This process reads the resources anew at once, every other one after the commit."""
    _directories.forget()
    drop_on_commit(_directories)


def view_of(row: Resource) -> ResourceView:
    """The row as requests see it. The built-in resource always has the issuer's present URL."""
    policy: dict[str, Any] = row.policy
    issuer = row.backend_kind == Resource.Backend.ISSUER
    return ResourceView(
        id=row.id,
        slug=row.slug,
        uri=config().server.issuer if issuer else row.uri,
        display_name=row.display_name,
        backend_kind=row.backend_kind,
        scopes=tuple(
            ScopeView(
                scope["name"],
                scope.get("description", ""),
                bool(scope.get("default")),
                upstream_of(scope) if row.backend_kind == Resource.Backend.BROKER else (),
            )
            for scope in row.scopes
        ),
        runtime_client_ids=frozenset(policy.get("runtime", {}).get("client_ids", ())),
        exchange_allowed_client_ids=frozenset(
            policy.get("exchange", {}).get("allowed_client_ids", ())
        ),
        rules=rules_of(policy),
        broker_provider=row.broker_provider,
        return_urls=frozenset(
            policy.get("connect", {}).get("allowed_return_urls", ())
            if row.backend_kind == Resource.Backend.BROKER
            else ()
        ),
    )


def upstream_of(scope: dict[str, Any]) -> tuple[str, ...]:
    """What a stored scope is called upstream: the same as here unless it says otherwise.

    The same answer serves what is asked for and what is compared with what was granted, so that no
    scope is sent upstream unchecked.
    """
    said = scope.get("upstream", "")
    if isinstance(said, list):
        return tuple(said)
    return (said or scope["name"],)


def rules_of(policy: dict[str, Any]) -> Rules:
    """The rules that a stored policy holds."""
    grants = policy.get("grant_types")
    return Rules(
        dpop=policy.get("dpop") or "optional",
        grants=None if grants is None else frozenset(grants),
        lifetime=policy.get("token_lifetime"),
        token_format=policy.get("token_format") or "jwt",
        asks_projects=bool((policy.get("consent") or {}).get("projects")),
    )


_latest: dict[str, Directory] = {}


def _load(issuer: str) -> Directory:
    """What the table holds now. While the database is away, what it held last.

    Discovery then keeps answering; nothing is issued without the database anyway.
    """
    try:
        read = Directory(map(view_of, Resource.objects.order_by("id")))
    except (OperationalError, InterfaceError):
        if issuer not in _latest:
            raise
        log.warning("resources not read; the known ones stay in use")
        return _latest[issuer]
    _latest.clear()
    _latest[issuer] = read
    return read


_directories: TimedCache[str, Directory] = TimedCache(
    "resources", ttl=SECONDS_UNTIL_SEEN, load=_load
)
