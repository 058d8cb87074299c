"""Resources and fronting links that exist after the first start."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from authplane.core.config import config
from authplane.core.seeding import Section
from oauth.models import FrontingLink, Resource
from oauth.resources.errors import BadResource, Problem, ResourceError
from oauth.resources.fronting.services import create_link
from oauth.resources.services import create_resource

Seed = Mapping[str, Any]


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


RESOURCES: Final = Section(
    noun="resource",
    name_of=_slug,
    exists=lambda seed: Resource.objects.filter(slug=_slug(seed)).exists(),
    create=lambda seed, actor: create_resource({"backend_kind": "mint"} | dict(seed), actor=actor),
    refusals=(ResourceError,),
)
"""Known by slug."""

FRONTING_LINKS: Final = Section(
    noun="fronting link",
    name_of=lambda seed: " to ".join(_ends(seed)) if all(_ends(seed)) else "",
    exists=_link_exists,
    create=lambda seed, actor: create_link(seed, actor=actor),
    refusals=(ResourceError,),
)
"""Known by source and target; planted after the resources they join."""
