"""Settings that operators change while the server runs, each change on record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from django.db import transaction

from audit import record
from audit.events import LimitsUpdated, NoticesUpdated
from authplane.core import budgets, clock, runtime
from authplane.core.models import RuntimeSetting

NOTICES: Final = "notices"
MAX_NOTICES: Final = 10
HIGHEST: Final = 1_000_000
SEVERITIES: Final = ("info", "warning")


def shown_limits() -> dict[str, Any]:
    """The budgets in force, which of them were chosen here, and by whom."""
    row = RuntimeSetting.objects.filter(name=budgets.SETTING).first()
    chosen = row.value if row else {}
    return {
        **asdict(budgets.configured()),
        **chosen,
        "changed": sorted(chosen),
        "updated_at": clock.as_text(row.updated_at) if row else None,
        "updated_by": row.updated_by if row else "",
    }


def change_limits(wanted: Mapping[str, int | None], *, actor: str) -> None:
    """The budgets are these in every process within seconds.

    None gives a budget back to the configuration. What is so already changes nothing and is not
    recorded.
    """
    with transaction.atomic():
        # Two operators at once: the second adds to what the first made of it.
        row = RuntimeSetting.objects.select_for_update().filter(name=budgets.SETTING).first()
        before = dict(row.value) if row else {}
        after = {**before, **wanted}
        after = {name: number for name, number in after.items() if number is not None}
        if after == before:
            return
        runtime.write(budgets.SETTING, after or None, by=actor)
        budgets.drop()
        changed = sorted(name for name in budgets.NAMES if before.get(name) != after.get(name))
        record.record(
            LimitsUpdated(
                actor_id=actor,
                fields=",".join(changed),
                before=_told(before, changed),
                after=_told(after, changed),
            )
        )


def notices() -> list[dict[str, str]]:
    """What operators tell each other, as they wrote it, at most five seconds old."""
    stored: list[dict[str, str]] = runtime.read(NOTICES, [])
    return stored


def replace_notices(wanted: list[dict[str, str]], *, actor: str) -> None:
    """These notices and no others stand on the dashboard and in the configuration's answer."""
    with transaction.atomic():
        row = RuntimeSetting.objects.select_for_update().filter(name=NOTICES).first()
        if (row.value if row else []) == wanted:
            return
        runtime.write(NOTICES, wanted or None, by=actor)
        told = ",".join(notice["id"] for notice in wanted)
        record.record(NoticesUpdated(actor_id=actor, notices=told))


def _told(values: Mapping[str, int], names: list[str]) -> str:
    return ",".join(str(values.get(name, "configured")) for name in names)
