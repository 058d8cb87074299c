"""Resources that exist after the first start. Seeding never changes one that is there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml
from django.db import transaction

from authplane.core.config import config
from oauth.models import Resource
from oauth.resources.errors import BadResource, Problem, ResourceError
from oauth.resources.services import create_resource


@dataclass(frozen=True, slots=True)
class Seeded:
    """Slugs in the order of the seeds."""

    created: list[str]
    skipped: list[str]


class BadSeed(ResourceError):
    """A seed is not acceptable; none was planted."""


def configured_seeds() -> list[Mapping[str, Any]]:
    """The seeds of the configuration: its list, and the one resource of the environment."""
    seeds = config().seeds
    rows: list[Mapping[str, Any]] = list(seeds.resources)
    if seeds.resource_uri:
        rows.append(
            {
                "slug": slug_of(seeds.resource_uri),
                "uri": seeds.resource_uri,
                "scopes": [{"name": name} for name in seeds.resource_scopes],
            }
        )
    return rows


def seeds_of_file(path: Path) -> list[Mapping[str, Any]]:
    """The seeds of a YAML file: a list below ``resources``.

    Raises: BadSeed.
    """
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise BadSeed(f"{path} cannot be read: {type(error).__name__}") from error
    except yaml.YAMLError as error:
        raise BadSeed(f"{path} is not valid YAML") from error
    rows = document.get("resources") if isinstance(document, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise BadSeed(f"{path} must hold a list of mappings below resources")
    return rows


def plant(seeds: list[Mapping[str, Any]], *, actor: str = "system") -> Seeded:
    """Every seed whose slug is free has become a resource; all of them, or none.

    Raises: BadSeed, naming the seed.
    """
    planted = Seeded([], [])
    with transaction.atomic():
        for number, seed in enumerate(seeds, start=1):
            slug = str(seed.get("slug") or "").lower()
            if Resource.objects.filter(slug=slug).exists():
                planted.skipped.append(slug)
                continue
            try:
                create_resource({"backend_kind": "mint"} | dict(seed), actor=actor)
            except ResourceError as error:
                raise BadSeed(f"resource {number} ({slug or 'no slug'}): {error}") from error
            planted.created.append(slug)
    return planted


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
