"""The scheduled work of this server: what runs, and how often."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from authplane.core import clock
from authplane.core.rewrap import rewrap_while_needed
from authplane.core.schedule import Run, run_once
from oauth.clients.metadata_document import refetch_stale
from oauth.keys.rotation import rotate_if_due
from oauth.maintenance.targets import STATE, purge_each
from oauth.registration.lapse import lapse_unused

MINUTE: Final = 60
HOUR: Final = 60 * MINUTE


@dataclass(frozen=True, slots=True)
class Job:
    """Work that is due every so many seconds. `purpose` is what an operator reads."""

    name: str
    every: int
    purpose: str
    work: Callable[[], dict[str, Any]]

    def run(self, *, every: int = 0) -> Run:
        """The work is done, by this process unless another one is at it or it is not due.

        With ``every`` 0, as commands call it, it is always due.
        """
        return run_once(self.name, self.work, every=every)


def _rotate_keys() -> dict[str, Any]:
    rotation = rotate_if_due(clock.now())
    return {"rotated": rotation is not None, "kid": rotation.kid if rotation else ""}


PURGE_STATE: Final = Job(
    "oauth.purge_state",
    10 * MINUTE,
    "Removes what sign-ins and refreshes leave behind.",
    lambda: purge_each(STATE),
)
PURGE_LEDGER: Final = Job(
    "oauth.purge_ledger",
    HOUR,
    "Removes rows of tokens that ended long ago.",
    lambda: purge_each(["ledger"]),
)
ROTATE_KEYS: Final = Job(
    "oauth.rotate_keys",
    5 * MINUTE,
    "Publishes the next signing key when the present one nears its age limit.",
    _rotate_keys,
)
REFETCH_DOCUMENTS: Final = Job(
    "oauth.refetch_client_documents",
    5 * MINUTE,
    "Fetches metadata documents and key sets of clients that have grown old.",
    lambda: {"renewed": refetch_stale(clock.now())},
)
LAPSE_CLIENTS: Final = Job(
    "oauth.lapse_clients",
    HOUR,
    "Removes clients that registered themselves and were never used.",
    lambda: {"lapsed": lapse_unused(clock.now())},
)

REWRAP_SEALED: Final = Job(
    "oauth.rewrap_sealed",
    5 * MINUTE,
    "Seals stored credentials anew while an old data key is configured.",
    rewrap_while_needed,
)

JOBS: dict[str, Job] = {
    job.name: job
    for job in (
        PURGE_STATE,
        PURGE_LEDGER,
        ROTATE_KEYS,
        REFETCH_DOCUMENTS,
        LAPSE_CLIENTS,
        REWRAP_SEALED,
    )
}
"""By name. Apps above this one add theirs."""


def register(*jobs: Job) -> None:
    """Commands can run these jobs from now on."""
    JOBS.update({job.name: job for job in jobs})
