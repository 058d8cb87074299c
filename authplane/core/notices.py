"""What an operator should know about the configuration although it is allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from authplane.core.validation import is_localhost_issuer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from authplane.core.areas import Config

WARNING: Final = "warning"
INFO: Final = "info"


class Notice(NamedTuple):
    """Something to know; ``body`` is a sentence, ``severity`` is `warning` or `info`."""

    id: str
    severity: str
    title: str
    body: str


def notices(config: Config, *, registration_mode: str = "") -> Iterator[Notice]:
    """One for each choice that is unusual on a server others can reach.

    ``registration_mode`` is the one in force, when operators changed it since the start.
    """
    if is_localhost_issuer(config.server.issuer):
        return
    if (registration_mode or config.dcr.mode) == "open":
        yield Notice(
            "registration-open", WARNING, "Registration is open",
            "anyone may register clients (AUTHPLANE_DCR_MODE is open)",
        )  # fmt: skip
    if not config.rate_limit.enabled:
        yield Notice(
            "rate-limit-off", WARNING, "Requests are not limited",
            "requests are not limited (AUTHPLANE_RATE_LIMIT_ENABLED is false)",
        )  # fmt: skip
    if not config.rate_limit.auth_fail_max:
        yield Notice(
            "lockout-off", WARNING, "Accounts are never locked",
            "passwords may be guessed without end (AUTHPLANE_RATE_LIMIT_AUTH_FAIL_MAX is 0)",
        )  # fmt: skip
    if not config.storage.redis_url:
        yield Notice(
            "no-shared-state", INFO, "Each process counts for itself",
            "limits are counted in each process (REDIS_URL is not set)",
        )  # fmt: skip
    if config.cimd.allowed_private_hosts:
        yield Notice(
            "private-client-documents", INFO, "Client documents at private addresses",
            "some client documents may live at private addresses",
        )  # fmt: skip
    if config.logging.level == "debug":
        yield Notice(
            "debug-log", WARNING, "Debug logging is on", "the log is written at debug level"
        )


def ceiling_notices(config: Config, *, registration_mode: str) -> Iterator[Notice]:
    """Clients that register themselves have no scope ceiling, unless they ask for one."""
    if registration_mode != "admin_only" and not config.oauth.default_client_scope:
        yield Notice(
            "oauth-default-client-scope-required-v0.3.0", WARNING,
            "Self-registered clients have no scope ceiling",
            "clients that register without a scope may ask users for every scope of a resource;"
            " AUTHPLANE_OAUTH_DEFAULT_CLIENT_SCOPE gives them a ceiling",
        )  # fmt: skip
