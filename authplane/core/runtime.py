"""Settings that operators change while the server runs. They win over the configuration."""

from __future__ import annotations

from typing import Any

from authplane.core import clock
from authplane.core.cache import TimedCache, drop_on_commit
from authplane.core.models import RuntimeSetting

SECONDS_UNTIL_SEEN = 5.0


def _load(name: str) -> Any:
    return RuntimeSetting.objects.filter(name=name).values_list("value", flat=True).first()


_settings: TimedCache[str, Any] = TimedCache("runtime_settings", ttl=SECONDS_UNTIL_SEEN, load=_load)


def read(name: str, default: Any) -> Any:
    """The value operators gave to ``name``, else ``default``."""
    value = _settings.get(name)
    return default if value is None else value


def write(name: str, value: Any, *, by: str) -> None:
    """``name`` has this value in every process within seconds; None gives it back to the config."""
    if value is None:
        RuntimeSetting.objects.filter(name=name).delete()
    else:
        RuntimeSetting.objects.update_or_create(
            name=name, defaults={"value": value, "updated_at": clock.now(), "updated_by": by}
        )
    drop_on_commit(_settings, name)


def look_again() -> None:
    """This process reads every setting anew: for whoever shows what was just changed elsewhere."""
    _settings.forget()
