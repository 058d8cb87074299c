"""Which upstream service a brokered resource stands for."""

from __future__ import annotations

import uuid
from typing import Any, Final

from oauth.models import Resource
from oauth.ports import ProviderName, provider_directory
from oauth.resources.errors import NoSuchProvider, Problem

BROKER: Final = Resource.Backend.BROKER.value
ID: Final = "broker_provider_id"
SLUG: Final = "broker_provider_slug"


def settle_provider(accepted: dict[str, Any], *, row: Resource | None) -> list[Problem]:
    """The names of a provider in ``accepted`` have become its `broker_provider`; or the problems.

    A brokered resource has a provider that exists, every other one has none. Asked while nobody
    else changes resources or providers, so that none is removed at the same moment.

    Raises: NoSuchProvider for a slug that names none.
    """
    key: uuid.UUID | None = accepted.pop(ID, None)
    slug: str = accepted.pop(SLUG, "")
    kind = accepted.get("backend_kind", row.backend_kind if row else "")
    if kind != BROKER:
        if key or slug:
            return [Problem(ID if key else SLUG, "is only for brokered resources")]
        if row and row.broker_provider:
            accepted["broker_provider"] = None
        return []
    if not key and not slug:
        if row and row.broker_provider:
            return []
        return [Problem(ID, "is required for a brokered resource, or its slug")]
    return _named(accepted, key=key, slug=slug)


def _named(accepted: dict[str, Any], *, key: uuid.UUID | None, slug: str) -> list[Problem]:
    known = provider_directory()
    found: ProviderName | None = None
    if key:
        found = known.by_id(key)
        if found is None:
            return [Problem(ID, "names no provider")]
    if slug:
        by_slug = known.by_slug(slug)
        if by_slug is None:
            raise NoSuchProvider
        if found and found.id != by_slug.id:
            return [Problem(SLUG, f"and {ID} name different providers")]
        found = by_slug
    assert found is not None  # noqa: S101 - one of the two was given
    accepted["broker_provider"] = found.id
    return []
