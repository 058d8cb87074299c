"""Making, changing and removing fronting links. Each change is recorded in its own transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet

from audit import record
from audit.events import FrontingLinkCreated, FrontingLinkDeleted, FrontingLinkPatched
from authplane.core.metrics import counter
from oauth.models import FrontingLink
from oauth.resources.errors import BadResource, NoSuchLink, Problem
from oauth.resources.fronting.body import ScopeMap, read_link, read_scope_map
from oauth.resources.fronting.validation import (
    require_ends,
    require_membership,
    require_new_pair,
    require_no_cycle,
)
from oauth.resources.locking import exclusive


def create_link(
    body: Mapping[str, Any], *, actor: str = "system", dry_run: bool = False
) -> FrontingLink:
    """A new link with the members of ``body``; with ``dry_run`` the same row, not stored.

    In order: the shape; both resources, their kinds and scopes; the pair; the cycle. Each step
    tells everything it finds.

    Raises: BadResource, ResourceConflict.
    """
    slugs, scope_map, problems = read_link(body)
    if problems:
        raise BadResource(problems)
    with exclusive():
        ends = require_ends(slugs, scope_map)
        require_new_pair(ends["source"], ends["target"])
        require_no_cycle(ends["source"], ends["target"])
        row = FrontingLink(**ends, scope_map=scope_map, created_by=actor)
        if dry_run:
            return row
        row.save(force_insert=True)
        record.record(FrontingLinkCreated(actor_id=actor, **_named(row), scopes=_scopes(scope_map)))
    counter("authplane_fronting_ops_total").labels("create").inc()
    return row


def patch_link(
    source: str,
    target: str,
    body: Mapping[str, Any],
    *,
    actor: str = "system",
    dry_run: bool = False,
) -> FrontingLink:
    """The link with another scope map. An absent or null map, or the same one, changes nothing.

    Raises: NoSuchLink, BadResource.
    """
    problems = [
        Problem(name, "cannot be changed: a link has only a scope_map")
        for name in body
        if name != "scope_map"
    ]
    scope_map: ScopeMap = {}
    if body.get("scope_map") is not None:
        scope_map, wrong = read_scope_map(body["scope_map"])
        problems += wrong
    with exclusive():
        row = _locked(source, target)
        if problems:
            raise BadResource(problems)
        if not scope_map or scope_map == row.scope_map:
            return row
        require_membership(scope_map, source=row.source, target=row.target)
        row.scope_map = scope_map
        if dry_run:
            return row
        row.version += 1
        row.save(update_fields=["scope_map", "version"])
        record.record(FrontingLinkPatched(actor_id=actor, **_named(row), scopes=_scopes(scope_map)))
    counter("authplane_fronting_ops_total").labels("patch").inc()
    return row


def delete_link(source: str, target: str, *, actor: str = "system") -> None:
    """The link is gone.

    Raises: NoSuchLink.
    """
    with exclusive():
        row = _locked(source, target)
        row.delete()
        record.record(FrontingLinkDeleted(actor_id=actor, **_named(row)))
    counter("authplane_fronting_ops_total").labels("delete").inc()


def find_row(source: str, target: str) -> FrontingLink:
    """The link of these slugs, with both resources.

    Raises: NoSuchLink.
    """
    row = _of(source, target).first()
    if row is None:
        raise NoSuchLink
    return row


def remove_all(rows: list[FrontingLink], *, actor: str) -> None:
    """The links of a resource that is about to be deleted are gone, each with its own record.

    Runs in the caller's exclusive transaction.
    """
    for row in rows:
        row.delete()
        event = FrontingLinkDeleted(actor_id=actor, **_named(row), reason="resource_cascade")
        record.record(event)
        counter("authplane_fronting_ops_total").labels("delete").inc()


def _of(source: str, target: str) -> QuerySet[FrontingLink]:
    # NUL, which PostgreSQL refuses to compare, is in no slug.
    ends = {"source__slug": source.replace("\0", ""), "target__slug": target.replace("\0", "")}
    return FrontingLink.objects.select_related("source", "target").filter(**ends)


def _locked(source: str, target: str) -> FrontingLink:
    row = _of(source, target).select_for_update(of=("self",)).first()
    if row is None:
        raise NoSuchLink
    return row


def _named(row: FrontingLink) -> dict[str, str]:
    return {"source": row.source.slug, "target": row.target.slug}


def _scopes(scope_map: ScopeMap) -> str:
    """The map as the record shows it; no scope name holds a space."""
    return "; ".join(f"{source} -> {' '.join(targets)}" for source, targets in scope_map.items())
