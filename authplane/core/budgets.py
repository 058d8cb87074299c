"""How much one caller may ask for: as configured, unless operators said otherwise since."""

from __future__ import annotations

import logging
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

from django.db import Error

from authplane.core.cache import TimedCache, drop_on_commit
from authplane.core.config import config
from authplane.core.models import RuntimeSetting
from authplane.core.runtime import SECONDS_UNTIL_SEEN

if TYPE_CHECKING:
    from collections.abc import Mapping

SETTING: Final = "limits"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Budgets:
    """Rates are a second; a burst is what may come at once."""

    requests_per_second: int
    request_burst: int
    registrations_per_second: int
    registration_burst: int
    software_registrations_per_second: int


NAMES: Final = tuple(field.name for field in fields(Budgets))


def configured() -> Budgets:
    """What the configuration says."""
    general, registration = config().rate_limit, config().dcr
    return Budgets(
        requests_per_second=general.rps,
        request_burst=general.burst,
        registrations_per_second=registration.rate_limit,
        registration_burst=registration.rate_limit_burst,
        software_registrations_per_second=registration.software_rate_limit,
    )


def chosen() -> Mapping[str, int]:
    """What operators chose since, at most five seconds old; nothing while the database is away.

    It is asked for before every request, so also before those that need no database.
    """
    return _chosen.get(SETTING)


def value(name: str, otherwise: int) -> int:
    """The budget in force: the chosen one, else ``otherwise``, the configured one."""
    return chosen().get(name, otherwise)


def drop() -> None:
    """Every process reads them anew once the present transaction is committed."""
    drop_on_commit(_chosen, SETTING)


def _load(name: str) -> Mapping[str, int]:
    try:
        stored: Any = (
            RuntimeSetting.objects.filter(name=name).values_list("value", flat=True).first()
        )
    except Error as error:
        log.debug("limits not read", extra={"cause": type(error).__name__})
        return {}
    known = stored if isinstance(stored, dict) else {}
    return {member: known[member] for member in NAMES if isinstance(known.get(member), int)}


_chosen: TimedCache[str, Mapping[str, int]] = TimedCache(
    "budgets", ttl=SECONDS_UNTIL_SEEN, load=_load
)
