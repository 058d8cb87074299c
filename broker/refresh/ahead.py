"""Work on a schedule: renew kept tokens before they end, and end attempts nobody will conclude."""

from __future__ import annotations

import logging
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from django.db import connection as database
from django.db import transaction
from django.db.models import F, Q

from authplane.core import clock
from authplane.core.config import config
from authplane.core.crypto import CryptoError
from broker import measures
from broker.errors import BadProvider, SecretUnavailable
from broker.models import Connection
from broker.refresh.engine import ensure_fresh, settle
from broker.refresh.outcomes import NoToken, ReconnectNeeded, TokenReuseDetected
from broker.upstream.base import UpstreamError

BATCH: Final = 200
LAPSES: Final = 100
LEFT_ALONE: Final = 15 * 60
"""Seconds for which an attempt of unknown outcome waits for somebody who asks."""
WITHOUT_REFRESH_TOKEN: Final = frozenset({"expired", "reauth_required"})

log = logging.getLogger(__name__)


def refresh_ahead() -> dict[str, Any]:
    """Kept tokens that end within `broker.refresh_ahead` are renewed, the earliest end first.

    Each service is asked by at most `broker.refresh_concurrency` threads, and none waits for the
    slowness of another one.
    """
    margin, started = config().broker.refresh_ahead, time.perf_counter()
    outcomes: Counter[str] = Counter(renewed=0, ended=0, failed=0)
    with ExitStack() as pools:
        running = []
        for keys in _due(clock.now(), margin=margin).values():
            threads = min(len(keys), config().broker.refresh_concurrency)
            pool = pools.enter_context(ThreadPoolExecutor(threads))
            running += [pool.submit(_renew, key, margin=margin) for key in keys]
        for one in running:
            outcomes[one.result()] += 1
    measures.round_ended(
        renewed=outcomes["renewed"],
        failed=outcomes["failed"] + outcomes["ended"],
        seconds=time.perf_counter() - started,
    )
    return dict(outcomes)


def sweep_leases() -> dict[str, Any]:
    """Attempts of unknown outcome are decided, and tokens that nobody waits for are erased.

    An attempt is decided by whoever asks next. This is for those that nobody asks about: their
    tokens may be in other hands.
    """
    now = clock.now()
    lapsed = Connection.objects.filter(
        refresh_used_at__isnull=False, lease_until__lte=now - timedelta(seconds=LEFT_ALONE)
    ).order_by("lease_until")
    outcomes: Counter[str] = Counter(decided=0, ended=0, failed=0)
    for key in list(lapsed.values_list("pk", flat=True)[:LAPSES]):
        outcomes[_outcome(key, partial(settle, key, now=now), done="decided")] += 1
    return {**outcomes, "erased": _erase(now)}


def _due(now: datetime, *, margin: int) -> dict[uuid.UUID | None, list[uuid.UUID]]:
    """Connections that are due, by provider. Rows that others work on are left out."""
    kept = Q(server__isnull=False)
    if config().broker.keep_access_tokens:
        kept |= Q(provider__isnull=False)
    rows = Connection.objects.filter(
        kept,
        Q(next_attempt_at=None) | Q(next_attempt_at__lte=now),
        status=Connection.Status.ACTIVE,
        credential_sealed__isnull=False,
        access_expires_at__lte=now + timedelta(seconds=margin),
    ).order_by("access_expires_at")
    due: dict[uuid.UUID | None, list[uuid.UUID]] = defaultdict(list)
    with transaction.atomic():
        if database.features.has_select_for_update_skip_locked:
            rows = rows.select_for_update(skip_locked=True, of=("self",))
        for key, provider in rows.values_list("pk", "provider_id")[:BATCH]:
            due[provider].append(key)
    return due


def _renew(key: uuid.UUID, *, margin: int) -> str:
    """In a thread of its own, whose database connection goes with the work."""
    try:
        work = partial(ensure_fresh, key, margin=margin, now=clock.now())
        return _outcome(key, work, done="renewed")
    finally:
        database.close()


def _outcome(key: uuid.UUID, work: Callable[[], object], *, done: str) -> str:
    """One word for how the work on one connection ended; no failure stops the work on others."""
    try:
        work()
    except TokenReuseDetected:
        measures.round_failed("exception")
        return "ended"
    except (NoToken, UpstreamError) as failed:
        at_an_end = isinstance(failed, ReconnectNeeded) and failed.code in WITHOUT_REFRESH_TOKEN
        measures.round_failed("no_refresh_token" if at_an_end else "endpoint_error")
        return "failed"
    except (BadProvider, SecretUnavailable, CryptoError) as error:
        measures.round_failed("exception")
        log.error("connection cannot be refreshed", extra={"why": type(error).__name__})  # noqa: TRY400
        _put_off(key)
        return "failed"
    return done


def _put_off(key: uuid.UUID) -> None:
    """A connection that only an operator can mend does not take the place of the others."""
    later = clock.now() + timedelta(seconds=config().broker.refresh_ahead)
    Connection.objects.filter(pk=key).update(next_attempt_at=later, failures=F("failures") + 1)


def _erase(now: datetime) -> int:
    """Tokens handed over to those who waited are erased where tokens are not kept."""
    if config().broker.keep_access_tokens:
        return 0
    handed = Connection.objects.filter(
        server=None,
        refresh_used_at=None,
        access_sealed__isnull=False,
        credential_sealed__isnull=False,
        access_expires_at__isnull=False,
        updated_at__lte=now - timedelta(seconds=config().broker.lease),
    )
    return handed.update(access_sealed=None)
