"""Work on the record that is done off every request, as tasks and by command alike."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

from audit import record
from audit.anchors.run import anchor_newest
from audit.events import AuditVerificationFailed
from audit.offline import read_anchor
from audit.retention import remove_past_retention
from audit.sealing.seal import seal_waiting, sweep_late
from audit.sealing.stored import verify_stored
from audit.streams.run import pass_on
from authplane.core.config import config
from authplane.core.schedule import Run, run_once

MINUTE: Final = 60
HOUR: Final = 60 * MINUTE


class Job(NamedTuple):
    """Work that is due every so many seconds.

    After `lease` seconds another process may take it over: by then its own has died.
    """

    name: str
    every: int
    work: Callable[[], dict[str, Any]]
    lease: int = 15 * MINUTE

    def run(self, *, every: int = 0) -> Run:
        """The work is done, unless another process is at it or it is not due; 0 is always due."""
        return run_once(self.name, self.work, every=every, lease=self.lease)


def verify_whole() -> dict[str, Any]:
    """The whole record was verified; what was found stands in the record and in the log.

    With an anchor file that can be read here, the newest batches cannot have been cut off either.

    Raises: CryptoError.
    """
    report = verify_stored(anchored=anchored_here())
    if not report.holds:
        first = report.findings[0]
        record.record(
            AuditVerificationFailed(
                actor_id="system", findings=report.found,
                first=f"{first.kind} seal={first.seal} event={first.event}",
            )
        )  # fmt: skip
    shown = report.shown()
    shown["findings"] = shown["findings"][:20]
    return shown


def anchored_here() -> list[str]:
    """The checkpoints of the configured anchor file; none where there is none."""
    if name := config().audit.anchor_file:
        with contextlib.suppress(OSError):
            return read_anchor(Path(name))
    return []


SEAL: Final = Job("audit.seal", 15, seal_waiting)
SWEEP: Final = Job("audit.sweep", 5 * MINUTE, sweep_late)
ANCHOR: Final = Job("audit.anchor", MINUTE, anchor_newest)
PASS_ON: Final = Job("audit.pass_on", 15, pass_on)
RETAIN: Final = Job("audit.retain", HOUR, remove_past_retention)
VERIFY: Final = Job("audit.verify", 24 * HOUR, verify_whole, lease=12 * HOUR)

JOBS: Final = {job.name: job for job in (SEAL, SWEEP, ANCHOR, PASS_ON, RETAIN, VERIFY)}
