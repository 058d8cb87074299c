"""How many administrators have to agree to a client that nobody here made.

Off until somebody says otherwise. Self-registered clients and those with a metadata document are
told apart, and the rules hold in the registration modes that they name: while only administrators
register clients, those that are known already may still change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from django.db import transaction

from audit import record
from audit.events import ApprovalSettingsUpdated
from authplane.core import runtime
from authplane.core.models import RuntimeSetting
from oauth.models import Client
from oauth.registration import policy
from oauth.registration.policy import Mode

SETTING: Final = "client_approvals"
MOST: Final = 2
MODES: Final = tuple(mode.value for mode in Mode)
MEMBERS: Final = ("dcr", "cimd", "modes")


@dataclass(frozen=True, slots=True)
class ApprovalRules:
    """`dcr` and `cimd`: 0 is off, 1 is one administrator, 2 are two different ones."""

    dcr: int = 0
    cimd: int = 0
    modes: tuple[str, ...] = MODES


STRICTEST: Final = ApprovalRules(dcr=MOST, cimd=MOST)


class BadRules(Exception):
    """The rules were not changed; the text says everything that is wrong."""


def rules() -> ApprovalRules:
    """The rules in force. Stored ones that cannot be read ask for everything: they fail closed."""
    return _understood(runtime.read(SETTING, None))


def stored() -> ApprovalRules:
    """The same past the cache, as the present transaction sees them."""
    return _read(RuntimeSetting.objects.filter(name=SETTING).first())


def needed(source: str) -> int:
    """How many have to agree to a new client of this source; 0 when nobody is asked."""
    now = rules()
    if policy.mode().value not in now.modes:
        return 0
    return {Client.Source.DCR: now.dcr, Client.Source.CIMD: now.cimd}.get(Client.Source(source), 0)


def change_rules(changes: Mapping[str, Any], *, actor: str = "system") -> ApprovalRules:
    """The rules with the members of ``changes``. Clients that wait already go on waiting.

    Raises: BadRules.
    """
    problems = _problems(changes)
    if problems:
        raise BadRules("; ".join(problems))
    with transaction.atomic():
        before = _read(RuntimeSetting.objects.select_for_update().filter(name=SETTING).first())
        after = _with(before, changes)
        if after != before:
            runtime.write(SETTING, asdict(after) | {"modes": list(after.modes)}, by=actor)
            record.record(
                ApprovalSettingsUpdated(
                    actor_id=actor, dcr=after.dcr, cimd=after.cimd, modes=",".join(after.modes)
                )
            )
    return after


def shown_rules(now: ApprovalRules) -> dict[str, Any]:
    """The rules as operators see them."""
    return {"dcr": now.dcr, "cimd": now.cimd, "modes": list(now.modes)}


def _read(row: RuntimeSetting | None) -> ApprovalRules:
    """Past the cache: a change of one member must not undo another's of a second ago."""
    return _understood(row.value if row else None)


def _understood(stored: Any) -> ApprovalRules:
    if stored is None:
        return ApprovalRules()
    if not isinstance(stored, dict) or _problems(stored):
        return STRICTEST
    return _with(ApprovalRules(), stored)


def _with(before: ApprovalRules, changes: Mapping[str, Any]) -> ApprovalRules:
    modes = changes.get("modes", before.modes)
    return ApprovalRules(
        dcr=changes.get("dcr", before.dcr),
        cimd=changes.get("cimd", before.cimd),
        modes=tuple(mode for mode in MODES if mode in modes),
    )


def _problems(members: Mapping[str, Any]) -> list[str]:
    found = []
    if set(members) - set(MEMBERS):
        found.append(f"the body may hold: {', '.join(MEMBERS)}")
    for name in ("dcr", "cimd"):
        count = members.get(name, 0)
        if type(count) is not int or not 0 <= count <= MOST:
            found.append(f"{name} must be 0 (off), 1 or {MOST} administrators")
    modes = members.get("modes", [])
    if not isinstance(modes, list | tuple) or not all(mode in MODES for mode in modes):
        found.append(f"modes must be a list of {', '.join(MODES)}")
    return found
