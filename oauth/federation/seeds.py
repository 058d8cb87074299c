"""Workload issuers that exist after the first start."""

from __future__ import annotations

from typing import Final

from authplane.core.seeding import Section, Seed
from oauth.federation.errors import EntryError
from oauth.federation.presets import preset_of
from oauth.federation.services import create_issuer
from oauth.models import WorkloadIssuer


def _issuer(seed: Seed) -> str:
    return str(seed.get("issuer") or preset_of(str(seed.get("preset"))).issuer)


WORKLOAD_ISSUERS: Final = Section(
    noun="workload issuer",
    name_of=_issuer,
    exists=lambda seed: WorkloadIssuer.objects.filter(issuer=_issuer(seed)).exists(),
    create=lambda seed, actor: create_issuer(seed, actor=actor),
    refusals=(EntryError,),
)
"""Known by issuer; planted after the clients that their rules name."""
