"""Audiences of identity assertions that exist after the first start."""

from __future__ import annotations

from typing import Final

from authplane.core.seeding import Section, Seed
from oauth.federation.errors import EntryError
from oauth.models import AssertionAudience
from oauth.xaa.audience_services import create_audience


def _audience(seed: Seed) -> str:
    return str(seed.get("audience") or "")


ASSERTION_AUDIENCES: Final = Section(
    noun="assertion audience",
    name_of=_audience,
    exists=lambda seed: AssertionAudience.objects.filter(audience=_audience(seed)).exists(),
    create=lambda seed, actor: create_audience(seed, actor=actor),
    refusals=(EntryError,),
)
"""Known by audience; planted after the clients that they name."""
