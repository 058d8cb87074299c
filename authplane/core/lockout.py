"""Lockout after repeated failures of one identity.

Always in the database: a check of a password costs far more than the row, all replicas share one
budget, and losing Redis gives nobody another ten guesses.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

from django.db import connection

from authplane.core.hashing import b64url, sha256
from authplane.core.models import LoginFailure

COUNT: Final = """
    INSERT INTO core_loginfailure AS known (key, failures, window_ends, locked_until)
    VALUES (%(key)s, 1, %(window_ends)s, %(at_once)s)
    ON CONFLICT (key) DO UPDATE SET
        failures = CASE
            WHEN known.locked_until > %(now)s THEN known.failures
            WHEN known.locked_until > 0 OR known.window_ends <= %(now)s THEN 1
            ELSE known.failures + 1 END,
        window_ends = CASE
            WHEN known.locked_until > %(now)s THEN known.window_ends
            WHEN known.locked_until > 0 OR known.window_ends <= %(now)s THEN %(window_ends)s
            ELSE known.window_ends END,
        locked_until = CASE
            WHEN known.locked_until > %(now)s THEN known.locked_until
            WHEN known.locked_until > 0 OR known.window_ends <= %(now)s THEN %(at_once)s
            WHEN known.failures + 1 >= %(limit)s THEN %(locked_until)s
            ELSE 0 END
    RETURNING locked_until
"""
"""While locked nothing changes; after a lock or a window the count begins anew."""


@dataclass(frozen=True, slots=True)
class Window:
    """``limit`` failures within ``window`` seconds lock the identity for ``lockout`` seconds.

    A limit of 0 turns it off.
    """

    scope: str
    limit: int
    window: int
    lockout: int

    def locked_until(self, key: str) -> int:
        """When the lock of ``key`` ends, in seconds since 1970; 0 when it is not locked."""
        if not self.limit:
            return 0
        until = (
            LoginFailure.objects.filter(key=self._name(key), locked_until__gt=time.time())
            .values_list("locked_until", flat=True)
            .first()
        )
        return int(until) + 1 if until else 0

    def count_failure(self, key: str) -> int:
        """One more failure of ``key``; the answer is that of ``locked_until`` afterwards.

        One statement counts and locks, so that parallel guesses cannot all be "the first".
        """
        if not self.limit:
            return 0
        now = time.time()
        with connection.cursor() as cursor:
            cursor.execute(
                COUNT,
                {
                    "key": self._name(key),
                    "now": now,
                    "window_ends": now + self.window,
                    "limit": self.limit,
                    "locked_until": now + self.lockout,
                    "at_once": now + self.lockout if self.limit == 1 else 0.0,
                },
            )
            until = float(cursor.fetchone()[0])
        return int(until) + 1 if until > now else 0

    def clear(self, key: str) -> None:
        """The failures of ``key`` are forgotten, and its lock with them."""
        LoginFailure.objects.filter(key=self._name(key)).delete()

    def _name(self, key: str) -> str:
        """Hashed: the table must not become a list of who tried to sign in from where."""
        return f"{self.scope}:{b64url(sha256(key))}"
