"""Checks of what must hold for the server to be safe, each under a stable id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core import checks
from django.db import connection

from authplane.core import crypto
from authplane.core.config import config, is_local

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.apps import AppConfig
    from django.core.checks import CheckMessage

GATE = "authplane.core.middleware.Gate"

Messages = list["CheckMessage"]


@checks.register(checks.Tags.security)
def check_gate(app_configs: Sequence[AppConfig] | None, **_: Any) -> Messages:  # noqa: ARG001
    """Nothing runs before limits, hardening and the turn-off of machine routes."""
    if settings.MIDDLEWARE and settings.MIDDLEWARE[0] == GATE:
        return []
    return [
        checks.Error(
            "The gate is not the outermost middleware.",
            hint=f"Put {GATE} first in MIDDLEWARE.",
            id="authplane.E001",
        )
    ]


@checks.register(checks.Tags.database)
def check_transactions(app_configs: Sequence[AppConfig] | None, **_: Any) -> Messages:  # noqa: ARG001
    """Refusals that record something are committed: no transaction spans a whole request."""
    if not connection.settings_dict.get("ATOMIC_REQUESTS"):
        return []
    return [
        checks.Error(
            "ATOMIC_REQUESTS would roll back the revocation that a detected replay causes.",
            hint="Set ATOMIC_REQUESTS to False.",
            id="authplane.E002",
        )
    ]


@checks.register(checks.Tags.database)
def check_data_keys(app_configs: Sequence[AppConfig] | None, **_: Any) -> Messages:  # noqa: ARG001
    """The configured data keys can be had, from Vault where it keeps them."""
    try:
        crypto.open_data_keys()
    except crypto.CryptoError as error:
        return [checks.Critical(f"{error}.", id="authplane.E003")]
    return []


@checks.register(checks.Tags.security, deploy=True)
def check_shared_memory(app_configs: Sequence[AppConfig] | None, **_: Any) -> Messages:  # noqa: ARG001
    """Several processes share their limits."""
    if connection.vendor == "sqlite" or config().storage.redis_url:
        return []
    return [
        checks.Warning(
            "Without Redis each process counts requests by itself.",
            hint="Set REDIS_URL, or run a single process.",
            id="authplane.W001",
        )
    ]


@checks.register(checks.Tags.security, deploy=True)
def check_issuer(app_configs: Sequence[AppConfig] | None, **_: Any) -> Messages:  # noqa: ARG001
    """A deployment has an issuer that clients on other machines can reach."""
    if not is_local():
        return []
    return [
        checks.Warning(
            "The issuer is localhost, so missing and weak secrets are accepted.",
            hint="Set AUTHPLANE_SERVER_ISSUER to the https URL of this server.",
            id="authplane.W002",
        )
    ]


@checks.register(checks.Tags.security, deploy=True)
def check_metrics(app_configs: Sequence[AppConfig] | None, **_: Any) -> Messages:  # noqa: ARG001
    """Metrics can be read by somebody, or are known to be closed."""
    metrics = config().metrics
    if bool(metrics.username) == bool(metrics.password):
        return []
    return [
        checks.Warning(
            "Only one of METRICS_USERNAME and METRICS_PASSWORD is set, so /metrics answers 401.",
            hint="Set both, or neither.",
            id="authplane.W003",
        )
    ]
