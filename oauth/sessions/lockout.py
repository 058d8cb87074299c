"""How often sign-in may fail: per account and address, counted where every process sees it.

The account is what was typed, whether it exists or not, so that a lock reveals nothing. The
address is part of the key, so that nobody locks somebody else out from afar.
"""

from authplane.core import clock
from authplane.core.config import config
from authplane.core.lockout import Window
from authplane.core.network import network_key
from authplane.core.replay import spend_once


def seconds_locked(*, email: str, address: str) -> int:
    """How long this account stays locked for this address: whole seconds, 0 when it is not."""
    return _remaining(_window().locked_until(_key(email, address)))


def count_failure(*, email: str, address: str) -> int:
    """One more failure is counted; the answer is that of `seconds_locked` afterwards."""
    return _remaining(_window().count_failure(_key(email, address)))


def forgive(*, email: str, address: str) -> None:
    """The failures are forgotten, because the right person has signed in."""
    _window().clear(_key(email, address))


def is_first_report(*, email: str, address: str) -> bool:
    """The present lock has not been reported yet; parallel failures all run into the same one."""
    until = _window().locked_until(_key(email, address))
    return until > 0 and spend_once(
        "lockout-report", f"{_key(email, address)} {until}", ttl=config().rate_limit.auth_lockout
    )


def _window() -> Window:
    limits = config().rate_limit
    return Window(
        scope="login",
        limit=limits.auth_fail_max,
        window=limits.auth_fail_window,
        lockout=limits.auth_lockout,
    )


def _key(email: str, address: str) -> str:
    return f"{email.casefold()} {network_key(address)}"


def _remaining(until: int) -> int:
    return max(1, until - clock.epoch()) if until else 0
