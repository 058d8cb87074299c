"""`manage.py purge_expired`: remove rows that are past their time, now."""

from __future__ import annotations

import logging
import time
from typing import Any

from django.core.management.base import CommandError, CommandParser

from authplane.core.management.output import ReportingCommand
from oauth.maintenance.targets import TARGETS, purge_target

log = logging.getLogger(__name__)

DEFAULT_LIMIT = 600


class Command(ReportingCommand):
    """One target after the other; a target that fails does not keep the others from their turn."""

    help = "Remove expired rows. The audit record is never touched."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which targets, and for how long."""
        super().add_arguments(parser)
        parser.add_argument(
            "--only", default="", help=f"Comma-separated targets out of: {', '.join(TARGETS)}."
        )
        parser.add_argument(
            "--timeout",
            type=int,
            default=DEFAULT_LIMIT,
            help="Seconds after which no further target is begun; 0 sets no limit.",
        )

    def handle(self, *, only: str, timeout: int, json: bool, **_: Any) -> None:
        """Rows past their time are gone, and the counts are printed."""
        deleted: dict[str, int] = {}
        busy, failed, left = [], [], []
        started = time.monotonic()
        for name in _chosen(only):
            if timeout and time.monotonic() - started >= timeout:
                left.append(name)
                continue
            try:
                count = purge_target(name)
            except Exception:  # one broken target must not let the others grow for ever
                log.exception("purge failed", extra={"target": name})
                failed.append(name)
                continue
            if count is None:
                busy.append(name)
            else:
                deleted[name] = count
        lists = {"busy": busy, "failed": failed, "left": left}
        result = (
            {"deleted": deleted, **lists}
            if json
            else deleted | {k: v for k, v in lists.items() if v}
        )
        self.report(result, title="purge completed", as_json=json)
        if failed or left:
            raise CommandError(f"not purged: {', '.join(failed + left)}")


def _chosen(only: str) -> list[str]:
    """The targets named, in order.

    Raises: CommandError.
    """
    if not only:
        return list(TARGETS)
    names = [name.strip() for name in only.split(",") if name.strip()]
    unknown = [name for name in names if name not in TARGETS]
    if unknown or not names:
        raise CommandError(f"unknown target: {', '.join(unknown)}. Valid: {', '.join(TARGETS)}")
    return names
