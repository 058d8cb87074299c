"""Who may call: holders of the operator key, and of the keys of administrators."""

from __future__ import annotations

from typing import Final

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from admin_api.administrators import keys
from admin_api.administrators.operator import Operator, actor_of
from admin_api.exceptions import Refused
from audit import record
from audit.events import AdminAuthFailed
from authplane.core import clock
from authplane.core.config import config
from authplane.core.hashing import constant_time_equals
from authplane.core.lockout import Window
from authplane.core.metrics import counter
from authplane.core.network import client_address, network_key

PREFIX: Final = "Bearer "

_FAILURES: Final = Window(scope="operator-key", limit=10, window=60, lockout=60)


class OperatorKey(BaseAuthentication):
    """`Authorization: Bearer <AUTHPLANE_ADMIN_API_KEY>`, or the key of one administrator.

    Ten wrong keys from one address within a minute, and none is looked at for a minute: were the
    right one still let through, a lock would not slow guessing down. Keys that ended count as
    wrong ones and are told nothing else, but the record says whose they were.
    """

    def authenticate(self, request: Request) -> tuple[Operator, None]:
        """The operator.

        Raises: Refused (401 or 429).
        """
        header: str = request.META.get("HTTP_AUTHORIZATION", "")
        text = header.removeprefix(PREFIX) if header.startswith(PREFIX) else ""
        shared = config().admin.api_key
        is_shared = bool(shared) and constant_time_equals(text, shared)
        if not shared and not keys.looks_like_key(text):
            raise _unauthorized("admin API key not configured")
        if not header.startswith(PREFIX):
            raise _unauthorized("missing API key")
        caller = network_key(client_address(request._request))  # noqa: SLF001 - no other way
        _require_unlocked(_FAILURES.locked_until(caller))
        return (Operator() if is_shared else _holder(text, caller)), None


def _holder(text: str, caller: str) -> Operator:
    """Whose key it is. Raises: Refused."""
    row, now = keys.presented(text), clock.now()
    if row is None:
        raise _wrong_key(caller, reason="wrong_key")
    state = keys.state_of(row, now=now)
    if state != "active":
        raise _wrong_key(caller, reason=f"key_{state}", actor=actor_of(row))
    keys.note_use(row, now=now)
    return Operator.of_key(row)


def _wrong_key(caller: str, *, reason: str, actor: str = "") -> Refused:
    """One record for each counted failure: the lock bounds both."""
    locked = _FAILURES.count_failure(caller)
    told = f"{reason}_locked" if locked else reason
    record.record_refusal(AdminAuthFailed(actor_id=actor, reason=told))
    counter("authserver_auth_denied_total").labels(reason="admin_key").inc()
    return _unauthorized("invalid API key")


def _require_unlocked(until: int) -> None:
    if not until:
        return
    raise Refused(
        status=429,
        error="slow_down",
        text="rate limit exceeded",
        headers={
            "Retry-After": str(max(1, until - clock.epoch())),
            "X-RateLimit-Limit": str(_FAILURES.limit),
            "X-RateLimit-Remaining": "0",
        },
    )


def _unauthorized(text: str) -> Refused:
    return Refused(
        status=401,
        error="unauthorized",
        text=text,
        headers={"WWW-Authenticate": 'Bearer realm="admin"'},
    )
