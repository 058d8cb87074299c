"""Which token can be given out as it lies in the row, without asking the service."""

from __future__ import annotations

from datetime import datetime

from broker.connections import credentials
from broker.models import Connection
from broker.refresh import claims
from broker.refresh.outcomes import AccessToken


def is_done(row: Connection, *, first: Connection) -> bool:
    """Whether a refresh that began no earlier than we did, or that we waited for, has ended.

    A mark raises the version by one, and so does its end. It also counts while somebody who came
    later is at it again: those who sleep between two looks would miss every end where many ask.
    """
    marks = 0 if row.refresh_used_at is None else claims.marks_of(row)
    return row.version - marks > first.version


def is_valid(row: Connection, *, margin: int, now: datetime) -> bool:
    """Whether a token is kept that lives for ``margin`` seconds, or at all where it is the last."""
    has_refresh = row.credential_sealed is not None
    ends = row.access_expires_at
    if row.access_sealed is None:
        return False
    if not credentials.is_kept(row, has_refresh=has_refresh, expires=ends is not None):
        return False
    return ends is None or (ends - now).total_seconds() > (margin if has_refresh else 0)


def kept(row: Connection) -> AccessToken:
    """The token in the row. Raises: CryptoError."""
    return AccessToken(
        value=credentials.access_of(row),
        expires_at=row.access_expires_at,
        scopes=tuple(row.scopes_granted),
        token_type=row.token_type,
    )
