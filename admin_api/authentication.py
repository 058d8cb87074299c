"""Who may call: whoever holds the operator key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

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


@dataclass(frozen=True, slots=True)
class Operator:
    """Who acts. One key is shared by all operators, so that the record can name none of them."""

    actor_id: str = "admin"
    is_authenticated: bool = True


class OperatorKey(BaseAuthentication):
    """`Authorization: Bearer <AUTHPLANE_ADMIN_API_KEY>`.

    Ten wrong keys from one address within a minute, and none is looked at for a minute: were the
    right one still let through, a lock would not slow guessing down.
    """

    def authenticate(self, request: Request) -> tuple[Operator, None]:
        """The operator.

        Raises: Refused (401 or 429).
        """
        expected = config().admin.api_key
        if not expected:
            raise _unauthorized("admin API key not configured")
        presented: str = request.META.get("HTTP_AUTHORIZATION", "")
        if not presented.startswith(PREFIX):
            raise _unauthorized("missing API key")
        caller = network_key(client_address(request._request))  # noqa: SLF001 - no other way
        _require_unlocked(_FAILURES.locked_until(caller))
        if not constant_time_equals(presented.removeprefix(PREFIX), expected):
            # One record for each counted failure: the lock bounds both.
            locked = _FAILURES.count_failure(caller)
            record.record_refusal(
                AdminAuthFailed(reason="wrong_key_locked" if locked else "wrong_key")
            )
            counter("authserver_auth_denied_total").labels(reason="admin_key").inc()
            raise _unauthorized("invalid API key")
        return Operator(), None


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
