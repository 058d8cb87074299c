"""All checks at once, each within its time, none able to stop the others."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooSlow
from dataclasses import dataclass
from typing import Final

from django.db import DatabaseError, connections
from django.urls import get_resolver

from admin_api.doctor import credentials, issuer, keys, settings, stores, work
from admin_api.doctor.findings import Check, Finding, Level, unknown, wrong
from admin_api.doctor.scene import Scene

CHECKS: Final[Mapping[str, Check]] = {
    "issuer": issuer.issuer_setting,
    "dns": issuer.name,
    "tls": issuer.certificate,
    "metadata": issuer.metadata,
    "published_keys": issuer.key_set,
    "listeners": issuer.listeners,
    "proxies": issuer.proxies,
    "issuer_clock": issuer.date,
    "clocks": stores.clocks,
    "database": stores.database,
    "migrations": stores.migrations,
    "redis": stores.redis,
    "disk": stores.disk,
    "signing_key": keys.signing,
    "sealed_values": keys.sealed,
    "server_checks": keys.system_checks,
    "schedule": work.schedule,
    "settings": settings.weak_settings,
    "secrets": settings.secrets,
    "mail": settings.mail,
    "provider_secrets": credentials.provider_secrets,
    "idp_keys": credentials.idp_keys,
    "expiring": credentials.expiring,
}
"""What is checked, by name, in the order it is told."""

THREADS: Final = 6
REQUESTS: Final = 3
"""How many requests, one after the other, a check may need."""


log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Told:
    """What one check found."""

    check: str
    findings: tuple[Finding, ...]


def examine(
    scene: Scene, *, only: Iterable[str] = (), checks: Mapping[str, Check] = CHECKS
) -> list[Told]:
    """Every check's findings, in the order of the table.

    A check that takes longer than it may, or fails itself, is a finding and holds up nobody.
    """
    # Threads that import modules in circles at the same time get in each other's way.
    _ = get_resolver().url_patterns
    wanted = [name for name in checks if not only or name in set(only)]
    pool = ThreadPoolExecutor(THREADS, thread_name_prefix="doctor")
    deadline = time.monotonic() + scene.timeout * REQUESTS
    try:
        running = {name: pool.submit(_run, checks[name], scene) for name in wanted}
        return [Told(name, _result(running[name], deadline)) for name in wanted]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def is_wrong(told: Iterable[Told]) -> bool:
    """Whether something has to be mended."""
    return any(finding.level is Level.WRONG for one in told for finding in one.findings)


def _run(check: Check, scene: Scene) -> tuple[Finding, ...]:
    try:
        return tuple(check(scene))
    finally:
        # This thread's own connections: nobody else will close them.
        connections.close_all()


def _result(running: Future[tuple[Finding, ...]], deadline: float) -> tuple[Finding, ...]:
    try:
        return running.result(max(0.01, deadline - time.monotonic()))
    except TooSlow:
        return (wrong("took too long", "Something it asks does not answer; try --timeout."),)
    except DatabaseError as error:
        return (unknown(f"the database does not answer: {type(error).__name__}"),)
    except Exception as error:
        # What it says may hold what nobody may see; the log is redacted.
        log.exception("a check of the deployment failed")
        return (
            wrong(
                f"the check itself failed: {type(error).__name__}", "See the log, and report it."
            ),
        )
