"""Who may present a refresh token: one conditional update decides, before any network call.

The mark `refresh_used_at` stands from before the call until its outcome is certain. With the mark,
`lease_owner` says how far the attempt has got: an id while it runs, nothing when it ended and its
outcome is unknown. An attempt that may not be repeated bears `AGAIN` before either.
"""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import F

from authplane.core import clock
from authplane.core.config import config
from authplane.core.ids import uuid7
from broker.connections import credentials
from broker.models import Connection
from broker.upstream.base import UNEXPLAINED, TokenAnswer

AGAIN: Final = "again:"
FIRST_PAUSE: Final = 5
LONGEST_PAUSE: Final = 15 * 60
UNEXPLAINED_REFUSALS: Final = 3


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to present the refresh token of a connection, once."""

    connection: uuid.UUID
    owner: str
    version: int
    failures: int
    is_kept: bool

    def conclude(self, **changes: Any) -> bool:
        """The attempt's outcome is certain, and stored.

        False when the connection was ended or connected again meanwhile: nothing is stored then.
        """
        return self._update(
            status=changes.pop("status", Connection.Status.ACTIVE),
            version=self.version + 1,
            refresh_used_at=None,
            lease_owner="",
            lease_until=None,
            **changes,
        )

    def give_up(self, *, retry_after: int) -> None:
        """The service has certainly not acted: the refresh token is as good as before."""
        pause = max(backoff(self.failures), retry_after)
        self.conclude(
            failures=self.failures + 1,
            next_attempt_at=clock.now() + timedelta(seconds=pause),
            **self._handed_out(),
        )

    def is_last(self, refusal: str) -> bool:
        """Whether a refusal without a reason counts as one of the refresh token itself.

        Some services answer an empty 400 to whatever they refuse, ended refresh tokens too. The
        first may come from anything in between; users of a dead token must not wait for ever.
        """
        return refusal == UNEXPLAINED and self.failures + 1 >= UNEXPLAINED_REFUSALS

    def leave_open(self) -> None:
        """Nobody knows the outcome: the mark stays, and nobody waits for this attempt."""
        self._update(
            lease_owner=AGAIN if self.owner.startswith(AGAIN) else "",
            failures=self.failures + 1,
            **self._handed_out(),
        )

    def _handed_out(self) -> dict[str, Any]:
        """After a failure: what the attempt before gave is nobody's any more, where it is not kept.

        Whoever waits for this attempt shares its failure, and not an older token.
        """
        return {} if self.is_kept else {"access_sealed": None}

    def _update(self, **changes: Any) -> bool:
        mine = Connection.objects.filter(
            pk=self.connection, version=self.version, lease_owner=self.owner
        )
        return bool(mine.update(updated_at=clock.now(), **changes))


def claim(row: Connection, *, now: datetime) -> Claim | None:
    """The claim to an unmarked connection; None when somebody else was first."""
    free = Connection.objects.filter(
        pk=row.pk,
        version=row.version,
        status=Connection.Status.ACTIVE,
        refresh_used_at=None,
    )
    return _mark(row, free, owner=str(uuid7()), now=now)


def claim_again(row: Connection, *, now: datetime) -> Claim | None:
    """The claim to a connection whose last attempt has an unknown outcome and no lease any more."""
    lapsed = Connection.objects.filter(
        pk=row.pk,
        version=row.version,
        refresh_used_at=row.refresh_used_at,
        lease_owner=row.lease_owner,
        lease_until__lte=now,
    )
    return _mark(row, lapsed, owner=AGAIN + str(uuid7()), now=now)


def may_try_again(row: Connection) -> bool:
    """Whether the policy lets an attempt of unknown outcome be repeated."""
    once = config().broker.indeterminate_policy == "retry_once"
    return once and not row.lease_owner.startswith(AGAIN)


def marks_of(row: Connection) -> int:
    """How often the version of a marked connection was raised since a refresh of it last ended."""
    return 2 if row.lease_owner.startswith(AGAIN) else 1


def has_ended(row: Connection) -> bool:
    """Whether the marked attempt has ended without a known outcome: nobody is at it."""
    return row.lease_owner in {"", AGAIN}


def backoff(failures: int) -> int:
    """Seconds until the scheduler tries again: doubling, at most 15 minutes, a quarter by chance.

    Chance keeps all connections of a service that was down from coming back at one instant.
    """
    pause = min(FIRST_PAUSE * 2 ** min(failures, 16), LONGEST_PAUSE)
    return int(pause * random.uniform(0.75, 1.0))  # noqa: S311 - no secret


def fresh_columns(row: Connection, answer: TokenAnswer, *, asked_at: datetime) -> dict[str, Any]:
    """The columns that hold what a refresh answered. Raises: CryptoError."""
    changes: dict[str, Any] = {
        "access_sealed": credentials.seal_access(row.pk, answer.access_token),
        "access_expires_at": credentials.expiry_of(answer, asked_at=asked_at),
        "token_type": answer.token_type,
        "failures": 0,
        "next_attempt_at": None,
    }
    if answer.expires_in is not None:
        # A token that lives shorter than we renew ahead is not renewed round after round.
        changes["next_attempt_at"] = asked_at + timedelta(seconds=answer.expires_in / 2)
    if answer.refresh_token is not None:
        changes["credential_sealed"] = credentials.seal_credential(
            row.pk, {"refresh_token": answer.refresh_token}
        )
    if answer.scopes is not None:
        changes["scopes_granted"] = list(answer.scopes)
    return changes


def _mark(row: Connection, rows: Any, *, owner: str, now: datetime) -> Claim | None:
    is_kept = credentials.is_kept(row, has_refresh=True, expires=True)
    changes: dict[str, Any] = {}
    if owner.startswith(AGAIN) and not is_kept:
        # The process that was at it before is gone, and has put nothing away.
        changes["access_sealed"] = None
    # Durable: within a transaction of somebody else's the mark would be seen by nobody.
    with transaction.atomic(durable=True):
        marked = rows.update(
            status=Connection.Status.REFRESHING,
            refresh_used_at=now,
            lease_owner=owner,
            lease_until=now + timedelta(seconds=config().broker.lease),
            version=F("version") + 1,
            updated_at=now,
            **changes,
        )
    return Claim(row.pk, owner, row.version + 1, row.failures, is_kept) if marked else None
