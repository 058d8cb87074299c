"""Whether the process is alive, and whether it reaches its database."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooSlow
from typing import TYPE_CHECKING

from django.db import Error, connection

from authplane.core import clock
from authplane.core.http import error_response, json_response

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

HEALTH_LIMIT = 5.0
READY_LIMIT = 3.0


def health(request: HttpRequest) -> HttpResponse:
    """``GET /health``: 200 while the database answers within five seconds, else 503."""
    return _report(request, good="ok", bad="degraded", limit=HEALTH_LIMIT)


def ready(request: HttpRequest) -> HttpResponse:
    """``GET /ready``: 200 while the database answers within three seconds, else 503."""
    return _report(request, good="ready", bad="not_ready", limit=READY_LIMIT)


def livez(request: HttpRequest) -> HttpResponse:
    """``GET /livez``: 200 as long as the process can answer. It touches nothing else.

    Probes belong here: restarting processes does not bring a database back, and it would take the
    published keys off the network.
    """
    return _get_only(request) or json_response({"status": "alive", "time": _time()})


def _report(request: HttpRequest, *, good: str, bad: str, limit: float) -> HttpResponse:
    refusal = _get_only(request)
    if refusal is not None:
        return refusal
    reached = _prober.reached(limit)
    return json_response(
        {
            "status": good if reached else bad,
            "time": _time(),
            "db": "ok" if reached else "error",
        },
        status=200 if reached else 503,
    )


def ping() -> bool:
    """Whether a new connection to the database answers a statement."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            return cursor.fetchone() is not None
    except Error:
        return False
    finally:
        connection.close()


class _Prober:
    """One ping at a time in a thread of its own, which a hanging database cannot pile up."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.pool: ThreadPoolExecutor | None = None
        self.running: Future[bool] | None = None

    def reached(self, limit: float) -> bool:
        """Whether the present ping succeeds within ``limit`` seconds."""
        with self.lock:
            if self.pool is None:
                self.pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="health")
            if self.running is None or self.running.done():
                self.running = self.pool.submit(ping)
            running = self.running
        try:
            return running.result(timeout=limit)
        except TooSlow:
            return False


_prober = _Prober()


def _get_only(request: HttpRequest) -> HttpResponse | None:
    if request.method in {"GET", "HEAD"}:
        return None
    return error_response(
        request,
        error="invalid_request",
        description="the request method is not supported",
        status=405,
        headers={"Allow": "GET, HEAD"},
    )


def _time() -> str:
    return clock.as_text(clock.now())
