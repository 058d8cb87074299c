"""Workload issuers that exist after the first start."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from authplane.core.seeding import Portable, Section, Seed, Written, spoken
from oauth.federation.body import FIXED, MEMBERS
from oauth.federation.errors import EntryError
from oauth.federation.presets import GITHUB_ACTIONS, preset_of
from oauth.federation.services import EMPTY, create_issuer, patch_issuer
from oauth.models import WorkloadIssuer

DEFAULTS: Final[Mapping[str, Any]] = EMPTY | {"preset": "generic"}


def _issuer(seed: Seed) -> str:
    return str(seed.get("issuer") or preset_of(str(seed.get("preset"))).issuer)


def _written() -> Iterator[Written]:
    for row in WorkloadIssuer.objects.order_by("issuer"):
        members = {name: getattr(row, name) for name in MEMBERS}
        yield Written(row.issuer, row.pk, spoken(members, defaults=DEFAULTS))


def _change(written: Written, seed: Seed, actor: str) -> None:
    """What cannot change is only named where it is another. Raises: EntryError."""
    present, wanted = {**DEFAULTS, **written.seed}, {**DEFAULTS, **seed}
    if not wanted["jwks_uri"] and wanted["jwks"] is None:
        # The issuer was asked where its keys are when it was registered; that stays.
        wanted |= {name: present[name] for name in ("jwks_uri", "jwks")}
    body = {
        name: value for name, value in wanted.items() if name not in FIXED or value != present[name]
    }
    patch_issuer(written.row, body, actor=actor)


def _asks(seed: Seed) -> str:
    if seed.get("jwks_uri") or seed.get("jwks") or _issuer(seed) == GITHUB_ACTIONS.issuer:
        return ""
    return "jwks_uri or jwks is required here"


WORKLOAD_ISSUERS: Final = Section(
    noun="workload issuer",
    name_of=_issuer,
    exists=lambda seed: WorkloadIssuer.objects.filter(issuer=_issuer(seed)).exists(),
    create=lambda seed, actor: create_issuer(seed, actor=actor),
    refusals=(EntryError,),
    portable=Portable(written=_written, change=_change, asks=_asks),
)
"""Known by issuer; planted after the clients that their rules name."""
