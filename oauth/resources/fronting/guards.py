"""What a link keeps a resource from: losing a scope that the link's map names, or its name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import Q

from oauth.models import FrontingLink, Resource
from oauth.resources.errors import Problem


def links_of(row: Resource) -> list[FrontingLink]:
    """The links that the resource is an end of, oldest first."""
    links = FrontingLink.objects.select_related("source", "target")
    return list(links.filter(Q(source=row) | Q(target=row)).order_by("pk"))


def guard_problems(row: Resource, accepted: Mapping[str, Any]) -> list[Problem]:
    """What of a change the resource's links do not allow.

    The slug stays, because it names the link and stands in the `act` of issued tokens. So does
    the kind. A scope that is missing from the new list has been removed or renamed.
    """
    changed = [
        name
        for name in ("slug", "backend_kind")
        if name in accepted and accepted[name] != getattr(row, name)
    ]
    if not changed and "scopes" not in accepted:
        return []
    links = links_of(row)
    if not links:
        return []
    problems = [Problem(name, "cannot be changed while fronting links use it") for name in changed]
    if "scopes" in accepted:
        left = {scope["name"] for scope in accepted["scopes"]}
        problems += [
            Problem("scopes", f"must keep {name}, which a fronting link uses")
            for name in sorted(used_scopes(row, links) - left)
        ]
    return problems


def used_scopes(row: Resource, links: list[FrontingLink]) -> set[str]:
    """The scopes of the resource that links name: as keys at their source, as values at targets."""
    names: set[str] = set()
    for link in links:
        if link.source_id == row.pk:
            names.update(link.scope_map)
        if link.target_id == row.pk:
            names.update(name for targets in link.scope_map.values() for name in targets)
    return names
