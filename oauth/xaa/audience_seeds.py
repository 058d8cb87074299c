"""Audiences of identity assertions that exist after the first start."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from authplane.core.seeding import Portable, Section, Seed, Written, spoken
from oauth.federation.errors import EntryError
from oauth.models import AssertionAudience
from oauth.xaa.audience_services import EMPTY, FIXED, MEMBERS, create_audience, patch_audience


def _audience(seed: Seed) -> str:
    return str(seed.get("audience") or "")


def _written() -> Iterator[Written]:
    for row in AssertionAudience.objects.order_by("audience"):
        members = {name: getattr(row, name) for name in MEMBERS}
        yield Written(row.audience, row.pk, spoken(members, defaults=EMPTY))


def _change(written: Written, seed: Seed, actor: str) -> None:
    """Raises: EntryError."""
    body = {name: value for name, value in seed.items() if name not in FIXED}
    patch_audience(written.row, EMPTY | body, actor=actor)


ASSERTION_AUDIENCES: Final = Section(
    noun="assertion audience",
    name_of=_audience,
    exists=lambda seed: AssertionAudience.objects.filter(audience=_audience(seed)).exists(),
    create=lambda seed, actor: create_audience(seed, actor=actor),
    refusals=(EntryError,),
    portable=Portable(written=_written, change=_change),
)
"""Known by audience; planted after the clients that they name."""
