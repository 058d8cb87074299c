"""Settings that are allowed and should not stay as they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from django.conf import settings

from admin_api.doctor.findings import Finding, fine, suspicious, unknown, wrong
from admin_api.doctor.scene import Scene
from authplane.core.config import config, is_local

FEW_CHARACTERS: Final = 10
"""Different characters a secret of random text has at the very least."""


def weak_settings(_: Scene) -> Iterator[Finding]:
    """Nothing that protects is switched off."""
    present = config()
    found = [
        finding
        for is_weak, finding in (
            (settings.DEBUG and not is_local(),
             wrong("Django's DEBUG is on: errors show their inside to anybody",
                   "Use DJANGO_SETTINGS_MODULE=authplane.settings.production")),
            (not present.rate_limit.enabled,
             suspicious("requests are not limited", "Set AUTHPLANE_RATE_LIMIT_ENABLED=true")),
            (not present.rate_limit.auth_fail_max,
             suspicious("failed sign-ins lock nothing",
                        "Set AUTHPLANE_RATE_LIMIT_AUTH_FAIL_MAX to 10")),
            (present.logging.level == "debug" and not is_local(),
             suspicious("the log is at debug", "Set AUTHPLANE_LOG_LEVEL=info")),
            (not present.metrics.username,
             suspicious("nobody can read /metrics", "Set METRICS_USERNAME and METRICS_PASSWORD")),
            (present.metrics.username and not present.metrics.password,
             suspicious("/metrics has a user and no password", "Set METRICS_PASSWORD")),
        )
        if is_weak
    ]  # fmt: skip
    yield from found or [fine("nothing that protects is switched off")]


def secrets(_: Scene) -> Iterator[Finding]:
    """Secrets look random, and those that were replaced are gone."""
    present = config().secrets
    named = {
        "AUTHPLANE_SESSION_SECRET": present.session, "AUTHPLANE_CSRF_SECRET": present.csrf,
        "AUTHPLANE_INTEGRITY_KEY": present.integrity,
        "AUTHPLANE_CLIENT_SECRET_PEPPER": present.pepper,
        "AUTHPLANE_ADMIN_API_KEY": config().admin.api_key,
        "AUTHPLANE_DATA_ENCRYPTION_KEY": present.data,
    }  # fmt: skip
    poor = [name for name, value in named.items() if value and len(set(value)) < FEW_CHARACTERS]
    if poor:
        finding = suspicious if is_local() else wrong
        yield finding(f"not random: {', '.join(poor)}", "Replace them: openssl rand -hex 32")
    if not present.data:
        yield wrong(
            "there is no data key: nothing can be sealed",
            "Set AUTHPLANE_DATA_ENCRYPTION_KEY (openssl rand -hex 32), and keep a copy apart from "
            "the database's backup.",
        )
    old = [
        name for name, value in (
            ("AUTHPLANE_SESSION_SECRET_OLD", present.session_old),
            ("AUTHPLANE_CSRF_SECRET_OLD", present.csrf_old),
            ("AUTHPLANE_INTEGRITY_KEY_OLD", present.integrity_old),
            ("AUTHPLANE_CLIENT_SECRET_PEPPER_OLD", present.pepper_old),
            ("AUTHPLANE_DATA_ENCRYPTION_KEY_OLD", present.data_old),
        ) if value
    ]  # fmt: skip
    if old:
        yield suspicious(
            f"values that were replaced are still accepted: {', '.join(old)}",
            "Take them away once the replacement is done; see docs/operations/keys.md.",
        )
    if not poor and not old and present.data:
        yield fine("secrets are set, look random, and no old one is accepted")


def mail(_: Scene) -> Iterator[Finding]:
    """Nothing here sends mail; a backend that was set has no reader."""
    yield unknown("this version sends no mail")
