"""What an operator should know about the configuration although it is allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from authplane.core.validation import is_localhost_issuer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from authplane.core.areas import Config


def notices(config: Config) -> Iterator[str]:
    """One sentence for each choice that is unusual on a server others can reach."""
    if is_localhost_issuer(config.server.issuer):
        return
    if config.dcr.mode == "open":
        yield "anyone may register clients (AUTHPLANE_DCR_MODE is open)"
    if not config.rate_limit.enabled:
        yield "requests are not limited (AUTHPLANE_RATE_LIMIT_ENABLED is false)"
    if not config.rate_limit.auth_fail_max:
        yield "passwords may be guessed without end (AUTHPLANE_RATE_LIMIT_AUTH_FAIL_MAX is 0)"
    if not config.storage.redis_url:
        yield "limits are counted in each process (REDIS_URL is not set)"
    if config.cimd.allowed_private_hosts:
        yield "some client documents may live at private addresses"
    if config.logging.level == "debug":
        yield "the log is written at debug level"
