"""Signing keys and sealed values: there, in time, and readable."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from django.core import checks
from django.db import DatabaseError

from admin_api.doctor.findings import Finding, fine, suspicious, unknown, wrong
from admin_api.doctor.scene import Scene
from authplane.core import clock, crypto
from authplane.core.config import config
from authplane.core.crypto import CryptoError
from broker.vault.columns import sealed_columns
from oauth.keys.record import KeyRecord, KeyUnavailable, active_key, upcoming_key
from oauth.keys.rotation import require_usable_key
from oauth.keys.snapshot import driver

GRACE: Final = timedelta(days=1)
"""How much later than planned a rotation may be before it counts as overdue."""


def signing(_: Scene) -> Iterator[Finding]:
    """A key signs, can be opened, and is replaced in time."""
    try:
        keys = driver().read()
        require_usable_key()
    except KeyUnavailable as error:
        yield wrong(f"the signing key cannot be used: {error}", "See docs/operations/keys.md.")
        return
    except DatabaseError as error:
        yield unknown(f"the database does not answer: {type(error).__name__}")
        return
    now = clock.now()
    active = active_key(keys, now=now)
    if active is None:
        yield wrong("no key signs", "Run: manage.py prepare")
        return
    yield from _age(active, upcoming=upcoming_key(keys, now=now))


def _age(active: KeyRecord, *, upcoming: KeyRecord | None) -> Iterator[Finding]:
    now, interval = clock.now(), config().signing.rotation_interval
    age = now - active.activates_at
    told = f"key {active.kid} ({active.algorithm}) has signed for {age.days} days"
    if upcoming is not None:
        yield fine(f"{told}; {upcoming.kid} follows at {upcoming.activates_at:%Y-%m-%d %H:%M} UTC")
    elif not interval:
        yield suspicious(told, "Keys are never rotated by themselves: AUTHPLANE_SIGNING_ROTATION_"
                         "INTERVAL is 0. Rotate them yourself: manage.py rotate_keys")  # fmt: skip
    elif age > timedelta(seconds=interval) + GRACE:
        yield wrong(
            f"{told}; a rotation was due after {interval // 86400} days",
            "Scheduled work does not run: see the check `schedule`. At once: manage.py rotate_keys",
        )
    else:
        left = timedelta(seconds=interval) - age
        yield fine(f"{told}; the next rotation is due in {left.days} days")


def sealed(_: Scene) -> Iterator[Finding]:
    """What is stored sealed can be opened, all of it with the present data key."""
    try:
        present = crypto.present_key_name()
        names = {column: column.key_names() for column in sealed_columns()}
        known = crypto.known_key_names()
    except CryptoError as error:
        yield wrong(f"data keys: {error}", "See docs/vault.md.")
        return
    except DatabaseError as error:
        yield unknown(f"the database does not answer: {type(error).__name__}")
        return
    lost = [f"{one.table}.{one.column}" for one, found in names.items() if found - known]
    if lost:
        yield wrong(
            f"sealed with a data key that is not configured: {', '.join(lost)}",
            "Set AUTHPLANE_DATA_ENCRYPTION_KEY_OLD to the key before, then run: manage.py "
            "rotate_secrets. If it is lost: manage.py rotate_secrets --discard-unreadable",
        )
        return
    old = [f"{one.table}.{one.column}" for one, found in names.items() if found - {present}]
    if old:
        yield suspicious(
            f"still sealed with the data key before: {', '.join(old)}",
            "Run: manage.py rotate_secrets, and only then take the old key away.",
        )
    else:
        yield fine(f"{len(names)} sealed columns are readable with the present data key")


def system_checks(_: Scene) -> Iterator[Finding]:
    """What the server itself checks when it starts, and before a deployment."""
    found = [
        message
        for message in checks.run_checks(include_deployment_checks=True, databases=["default"])
        if str(message.id).startswith("authplane.") and not message.is_silenced()
    ]
    for message in found:
        finding = wrong if message.level >= checks.ERROR else suspicious
        yield finding(f"{message.msg} ({message.id})", message.hint or "See docs/operations.")
    if not found:
        yield fine("every check of the server itself passes")
