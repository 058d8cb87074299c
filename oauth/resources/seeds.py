"""Resources and fronting links that exist after the first start."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from authplane.core.config import config
from authplane.core.seeding import Portable, Section, Written, spoken
from oauth.models import FrontingLink, Resource
from oauth.ports import provider_directory
from oauth.resources import builtin
from oauth.resources.errors import BadResource, Problem, ResourceError
from oauth.resources.fronting.services import create_link, patch_link
from oauth.resources.policy_body import complete_policy
from oauth.resources.services import BUILT_IN_MAY_CHANGE, create_resource, patch_resource

Seed = Mapping[str, Any]
DEFAULTS: Final[Mapping[str, Any]] = {
    "uri": "", "backend_kind": Resource.Backend.MINT.value, "display_name": "", "scopes": [],
    "policy": complete_policy({}),
}  # fmt: skip


def configured_resources() -> list[Seed]:
    """The seeds of the configuration: its list, and the one resource of the environment."""
    seeds = config().seeds
    rows: list[Seed] = list(seeds.resources)
    if seeds.resource_uri:
        rows.append(
            {
                "slug": slug_of(seeds.resource_uri),
                "uri": seeds.resource_uri,
                "scopes": [{"name": name} for name in seeds.resource_scopes],
            }
        )
    return rows


def slug_of(uri: str) -> str:
    """A slug made of the URI's host.

    Raises: BadResource when there is no host to make it of.
    """
    try:
        host = urlsplit(uri).hostname or ""
    except ValueError:
        host = ""
    slug = re.sub(r"[^a-z0-9]+", "-", host.lower()).strip("-")[:64].rstrip("-")
    if not slug:
        raise BadResource([Problem("uri", "has no host to make a slug of")])
    return slug


def _slug(seed: Seed) -> str:
    return _name(seed.get("slug"))


def _ends(seed: Seed) -> tuple[str, str]:
    """The slugs of a link, in either spelling."""
    source = seed.get("source") or seed.get("source_slug")
    target = seed.get("target") or seed.get("target_slug")
    return _name(source), _name(target)


def _name(value: object) -> str:
    """What a slug would be compared as; NUL, which PostgreSQL refuses to compare, is in none."""
    return str(value or "").lower().replace("\0", "")


def _link_exists(seed: Seed) -> bool:
    source, target = _ends(seed)
    return FrontingLink.objects.filter(source__slug=source, target__slug=target).exists()


def _written() -> Iterator[Written]:
    """All of them; of the one that every server has, what operators made of it."""
    for row in Resource.objects.order_by("slug"):
        defaults = _defaults(row)
        members = {name: getattr(row, name) for name in defaults}
        members["policy"] = complete_policy(row.policy)
        seed = {"slug": row.slug, **spoken(members, defaults=defaults)}
        if row.broker_provider is not None:
            found = provider_directory().by_id(row.broker_provider)
            seed["broker_provider_slug"] = found.slug if found else ""
        is_usual = row.backend_kind == Resource.Backend.ISSUER and len(seed) == 1
        yield Written(row.slug, row.pk, seed, goes_without_saying=is_usual)


def _defaults(row: Resource) -> Mapping[str, Any]:
    if row.backend_kind != Resource.Backend.ISSUER:
        return DEFAULTS
    usual = {**DEFAULTS, **builtin.FIELDS}
    return {name: usual[name] for name in sorted(BUILT_IN_MAY_CHANGE)}


def _change(written: Written, seed: Seed, actor: str) -> None:
    """Raises: ResourceError."""
    row = Resource.objects.get(pk=written.row)
    said = {name: value for name, value in seed.items() if name != "slug"}
    patch_resource(written.row, {**_defaults(row), **said}, actor=actor)


def _written_links() -> Iterator[Written]:
    links = FrontingLink.objects.select_related("source", "target")
    for row in links.order_by("source__slug", "target__slug"):
        ends = {"source": row.source.slug, "target": row.target.slug}
        yield Written(_link_name(ends), row.pk, {**ends, "scope_map": row.scope_map})


def _change_link(written: Written, seed: Seed, actor: str) -> None:
    """Raises: ResourceError."""
    ends = {"source", "target", "source_slug", "target_slug"}
    body = {name: value for name, value in seed.items() if name not in ends}
    patch_link(written.seed["source"], written.seed["target"], body, actor=actor)


def _link_name(seed: Seed) -> str:
    return " to ".join(_ends(seed)) if all(_ends(seed)) else ""


RESOURCES: Final = Section(
    noun="resource",
    name_of=_slug,
    exists=lambda seed: Resource.objects.filter(slug=_slug(seed)).exists(),
    create=lambda seed, actor: create_resource({"backend_kind": "mint"} | dict(seed), actor=actor),
    refusals=(ResourceError,),
    portable=Portable(written=_written, change=_change),
)
"""Known by slug."""

FRONTING_LINKS: Final = Section(
    noun="fronting link",
    name_of=_link_name,
    exists=_link_exists,
    create=lambda seed, actor: create_link(seed, actor=actor),
    refusals=(ResourceError,),
    portable=Portable(written=_written_links, change=_change_link),
)
"""Known by source and target; planted after the resources they join."""
