"""What a link must be true of, asked while nobody else changes resources or links."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from oauth.models import FrontingLink, Resource
from oauth.ports import provider_directory
from oauth.resources.errors import BadResource, Problem, ResourceConflict
from oauth.resources.fronting.body import ScopeMap
from oauth.resources.fronting.cycles import leads_to

MINT: Final = Resource.Backend.MINT.value
BROKER: Final = Resource.Backend.BROKER.value
KINDS: Final = {"source": (MINT,), "target": (MINT, BROKER)}
"""Only what holds our tokens can stand in front; this server itself is no end of a link."""


def require_ends(slugs: Mapping[str, str], scope_map: ScopeMap) -> dict[str, Resource]:
    """The resources of the link by end: both exist, are of the right kind and have the scopes.

    Raises: BadResource with everything that is wrong.
    """
    rows = {row.slug: row for row in Resource.objects.filter(slug__in=slugs.values())}
    ends = {end: rows[slug] for end, slug in slugs.items() if slug in rows}
    problems = [
        Problem(end, f"names no resource: {slug}") for end, slug in slugs.items() if end not in ends
    ]
    problems += [
        Problem(end, f"must be a resource of kind {' or '.join(KINDS[end])}")
        for end, row in ends.items()
        if row.backend_kind not in KINDS[end]
    ]
    target = ends.get("target")
    if target is not None and target.backend_kind == BROKER and not _has_provider(target):
        problems.append(Problem("target", "has no provider"))
    problems += membership_problems(scope_map, source=ends.get("source"), target=ends.get("target"))
    if problems:
        raise BadResource(problems)
    return ends


def require_membership(scope_map: ScopeMap, *, source: Resource, target: Resource) -> None:
    """The source has every key of the map, the target every value.

    Raises: BadResource.
    """
    problems = membership_problems(scope_map, source=source, target=target)
    if problems:
        raise BadResource(problems)


def membership_problems(
    scope_map: ScopeMap, *, source: Resource | None, target: Resource | None
) -> list[Problem]:
    """One problem for each scope that its resource does not have."""
    values = dict.fromkeys(name for targets in scope_map.values() for name in targets)
    return [
        Problem("scope_map", f"names a scope that {row.slug} does not have: {name}")
        for row, names in ((source, scope_map), (target, values))
        if row is not None
        for name in _absent(names, row)
    ]


def require_new_pair(source: Resource, target: Resource) -> None:
    """There is no link between the two yet.

    Raises: ResourceConflict.
    """
    if FrontingLink.objects.filter(source=source, target=target).exists():
        raise ResourceConflict("there is a link from this source to this target already")


def require_no_cycle(source: Resource, target: Resource) -> None:
    """The target does not lead to the source already.

    A cycle would let a token come back to where it began with other scopes than it left with.

    Raises: BadResource.
    """
    edges = FrontingLink.objects.values_list("source_id", "target_id")
    if leads_to(edges.iterator(), start=target.pk, goal=source.pk):
        raise BadResource([Problem("target", "leads to the source: links must not form a cycle")])


def _has_provider(target: Resource) -> bool:
    key = target.broker_provider
    return key is not None and provider_directory().by_id(key) is not None


def _absent(names: Iterable[str], row: Resource) -> list[str]:
    held = {scope["name"] for scope in row.scopes}
    return [name for name in names if name not in held]
