"""Check a password: one answer for every wrong one, in one time, and only so many of them."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.contrib import auth
from django.contrib.auth.hashers import is_password_usable
from django.db import transaction
from django.http import HttpRequest

from audit import record
from audit.events import AuthLockedOut, UserLogin, UserLoginFailed
from authplane.accounts.managers import fold_email
from authplane.accounts.models import User
from authplane.core import clock
from authplane.core.metrics import counter
from authplane.core.network import client_address
from oauth.sessions import lockout
from oauth.sessions.context import PASSWORD
from oauth.sessions.services import begin_session

# RFC 5321 section 4.5.3.1.3, less the angle brackets: the longest address there is.
_MAX_EMAIL: Final = 254
_LOCAL: Final = "local"
_ATTEMPTS: Final = "authserver_login_attempts_total"


class WrongCredentials(Exception):
    """No account has this address and this password. The reason goes to the record alone."""


@dataclass
class Locked(Exception):
    """Too many wrong passwords for this account from this address; `seconds` are left."""

    seconds: int


def sign_in(request: HttpRequest, *, email: str, password: str) -> User:
    """The person is signed in.

    The lock is asked twice: before the password is hashed, so that a locked account costs
    nothing, and afterwards, so that of many guesses sent at once those that were still hashing
    when the lock fell learn nothing either.

    Raises: WrongCredentials, Locked.
    """
    email = fold_email(email)
    if not email or len(email) > _MAX_EMAIL or not email.isprintable():
        raise WrongCredentials
    address = client_address(request)
    _require_unlocked(email, address)
    user = auth.authenticate(request, email=email, password=password)
    if not isinstance(user, User) or user.provider != _LOCAL:
        _count_failure(email=email, address=address)
        raise WrongCredentials
    _require_unlocked(email, address)
    with transaction.atomic():
        begin_session(request, user=user, methods=(PASSWORD,))
        lockout.forgive(email=email, address=address)
        record.record(UserLogin(actor_id=str(user.pk)))
    counter(_ATTEMPTS).labels(outcome="success").inc()
    return user


def _require_unlocked(email: str, address: str) -> None:
    if seconds := lockout.seconds_locked(email=email, address=address):
        counter(_ATTEMPTS).labels(outcome="locked").inc()
        raise Locked(seconds)


def _count_failure(*, email: str, address: str) -> None:
    """The failure is counted and recorded, whatever its cause; a lock is recorded once.

    Looking up why costs every failure the same statement, so that the time tells nothing.
    """
    target = User.objects.filter(email=email).first()
    actor_id = str(target.pk) if target else ""
    with transaction.atomic():
        seconds = lockout.count_failure(email=email, address=address)
        record.record(UserLoginFailed(actor_id=actor_id, reason=_reason(target)))
        if seconds and lockout.is_first_report(email=email, address=address):
            until = clock.now() + timedelta(seconds=seconds)
            record.record(AuthLockedOut(until=until.isoformat(timespec="seconds")))
    counter(_ATTEMPTS).labels(outcome="failure").inc()


def _reason(target: User | None) -> str:
    if target is None:
        return "user_not_found"
    if not target.is_active:
        return "user_disabled"
    if target.provider != _LOCAL:
        return "user_not_local"
    if not is_password_usable(target.password):
        return "unusable_stored_hash"
    return "invalid_credentials"
