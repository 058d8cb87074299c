"""What can be purged, by name, each by one process at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Final

from authplane.core import clock, purge
from authplane.core.schedule import run_once
from oauth.maintenance.ledger import purge_ledger
from oauth.maintenance.state import (
    purge_codes,
    purge_families,
    purge_pushed,
    purge_refresh_tokens,
    purge_requests,
)

Purge = Callable[[], int]


def _kernel(kind: str) -> int:
    return purge.delete_in_batches(purge.expired_rows()[kind])


TARGETS: Final[dict[str, Purge]] = {
    "authorization-codes": lambda: purge_codes(clock.now()),
    "authorization-requests": lambda: purge_requests(clock.now()),
    "ledger": lambda: purge_ledger(clock.now()),
    "login-failures": partial(_kernel, "login_failures"),
    "one-time-values": partial(_kernel, "one_time_values"),
    "operator-sessions": partial(_kernel, "operator_sessions"),
    "pushed-requests": lambda: purge_pushed(clock.now()),
    "rate-buckets": partial(_kernel, "rate_buckets"),
    "refresh-tokens": lambda: purge_refresh_tokens(clock.now()),
    "request-windows": partial(_kernel, "request_windows"),
    "kept-answers": partial(_kernel, "kept_answers"),
    "sessions": partial(_kernel, "sessions"),
    "token-families": lambda: purge_families(clock.now()),
}


def register(name: str, delete: Purge) -> None:
    """Rows of another app can be purged by this name as well."""
    TARGETS[name] = delete


STATE: Final = (
    "authorization-requests",
    "pushed-requests",
    "authorization-codes",
    "refresh-tokens",
    # After the refresh tokens: a family without any can go.
    "token-families",
)


def purge_target(name: str, *, every: int = 0) -> int | None:
    """How many rows of this target went; None when another process is at it, or it is not due.

    Raises: KeyError for an unknown name.
    """
    delete = TARGETS[name]
    run = run_once(f"purge.{name}", lambda: {"deleted": delete()}, every=every)
    return run.result["deleted"] if run.ran else None


def purge_each(names: Iterable[str], *, every: int = 0) -> dict[str, Any]:
    """Rows that went, by target; targets that another process is at are left out."""
    counts = {name: purge_target(name, every=every) for name in names}
    return {name: count for name, count in counts.items() if count is not None}
