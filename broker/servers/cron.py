"""/api/oauth/refresh-tokens and /api/oauth/cleanup-pkce: for deployments with a clock of their own.

They do what the built-in schedule does, by the same jobs, so that either or both may run.
"""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest, HttpResponse

from authplane.core import clock
from authplane.core.config import config
from authplane.core.hashing import constant_time_equals
from authplane.core.http import json_response
from broker import jobs
from broker.connect.cleanup import GRACE, clean_states
from broker.servers import limits
from broker.servers.wire import Refused, json_route

BEARER: Final = "bearer "
FAILURES: Final = {"failed": "not_refreshed", "ended": "token_reuse_detected"}
RUNNING: Final = "already_running"


def _refresh_tokens(request: HttpRequest) -> HttpResponse:
    """Every kept token that ends soon was renewed."""
    if not config().broker.cron_secret:
        raise Refused(500, "service_not_configured", "Service not configured")
    _require_secret(request)
    if refused := limits.refuse_beyond_all(request, limits.REFRESH_ALL):
        return refused
    run = jobs.REFRESH.run()
    counts = run.result
    errors = [f"{text}: {counts[name]}" for name, text in FAILURES.items() if counts.get(name)]
    return json_response(
        {
            "success": True,
            "refreshed": counts.get("renewed", 0),
            "failed": sum(counts.get(name, 0) for name in FAILURES),
            "errors": errors if run.ran else [RUNNING],
            "timestamp": clock.as_text(clock.now()),
        }
    )


def _cleanup_pkce(request: HttpRequest) -> HttpResponse:
    """Hops that nobody came back from are given up."""
    _require_secret(request)
    if refused := limits.refuse_beyond_all(request, limits.CLEANUP):
        return refused
    deleted = clean_states(clock.now(), reason="manual")
    return json_response(
        {
            "success": True,
            "deleted": deleted,
            "gracePeriodMinutes": int(GRACE.total_seconds()) // 60,
            "timestamp": clock.as_text(clock.now()),
        }
    )


refresh_tokens = json_route(POST=_refresh_tokens)
cleanup_pkce = json_route(POST=_cleanup_pkce)


def _require_secret(request: HttpRequest) -> None:
    """The caller holds the secret. Without one configured nobody does. Raises: Refused.

    Counted afterwards: else whoever does not know it could use up what the scheduler may do.
    """
    given = request.headers.get("Authorization", "")
    secret = config().broker.cron_secret
    presented = given[len(BEARER) :].strip() if given[: len(BEARER)].lower() == BEARER else ""
    if not secret or not constant_time_equals(presented, secret):
        raise Refused(401, "unauthorized", "Unauthorized", headers={"WWW-Authenticate": "Bearer"})
