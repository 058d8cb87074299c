"""Begin and end the session of a person, and say whose it is and since when."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from django.contrib import auth
from django.http import HttpRequest

from authplane.accounts.models import User
from authplane.core import clock
from authplane.core.config import config
from oauth.sessions.return_to import Ticket

AUTH_TIME: Final = "auth_time"
METHODS: Final = "amr"
LEVEL: Final = "acr"
BEGAN: Final = "began_at"
PROVIDER: Final = "identity_provider"
_BACKEND: Final = "allauth.account.auth_backends.AuthenticationBackend"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A person, and when (epoch seconds) and how that person proved who they are.

    `methods` are named as in RFC 8176. `level` is what an identity provider vouches for by itself,
    and `provider` its slug; both are empty for a sign-in with a password here.
    """

    user: User
    auth_time: int
    methods: tuple[str, ...] = ()
    level: str = ""
    provider: str = ""

    @property
    def authenticated_at(self) -> datetime:
        """The same moment as a datetime."""
        return datetime.fromtimestamp(self.auth_time, tz=UTC)


def signed_in(request: HttpRequest) -> SignedIn | None:
    """Who is signed in; None for a session without a sign-in, of a disabled user, or too old.

    The age counts from the sign-in here, however much the session was used since. At an identity
    provider the person may have proved who they are long before.
    """
    user = request.user
    if not isinstance(user, User):
        return None
    auth_time = request.session.get(AUTH_TIME)
    if not isinstance(auth_time, int):
        return None
    if clock.epoch() - request.session.get(BEGAN, auth_time) > config().session.max_age:
        return None
    return SignedIn(
        user,
        auth_time,
        tuple(request.session.get(METHODS, ())),
        request.session.get(LEVEL, ""),
        request.session.get(PROVIDER, ""),
    )


def begin_session(
    request: HttpRequest,
    *,
    user: User,
    methods: tuple[str, ...],
    auth_time: int | None = None,
    level: str = "",
    provider: str = "",
) -> None:
    """The person is signed in from now on, under a session id that nobody knew before.

    `methods` are what the person has just shown, named as in RFC 8176. `auth_time` is when (epoch
    seconds), which is now unless an identity provider says otherwise; `level` and `provider` are
    as in `SignedIn`.

    Whatever the browser brought is dropped first: a session id planted before sign-in, and the
    session of whoever used this browser earlier, mean nothing afterwards.
    """
    request.session.flush()
    auth.login(request, user, backend=_BACKEND)
    # Our forms carry their own token; Django would leave a cookie here that nothing reads.
    request.META["CSRF_COOKIE_NEEDS_UPDATE"] = False
    now = clock.epoch()
    request.session[AUTH_TIME] = now if auth_time is None else auth_time
    request.session[METHODS] = list(methods)
    if provider:
        request.session.update({BEGAN: now, LEVEL: level, PROVIDER: provider})
    request.session.set_expiry(clock.now() + timedelta(seconds=config().session.max_age))


def end_session(request: HttpRequest) -> None:
    """The session is gone from the server; a copy of its cookie opens nothing."""
    auth.logout(request)


def must_sign_in(
    session: SignedIn | None,
    *,
    again: bool,
    max_age: int | None,
    ticket: Ticket | None,
    now: int,
) -> bool:
    """The request cannot go on before the person proves again who they are.

    `again` asks for it outright, `max_age` (seconds) when the last time is too long ago. A sign-in
    after the ticket was issued happened because this very request demanded it, so it counts,
    however short the demanded age; otherwise `max_age=0` would ask for ever.

    Spec: OpenID Connect Core 1.0 section 3.1.2.1 (`prompt=login` MUST reauthenticate; `max_age`).
    """
    if session is None:
        return True
    if ticket is not None and session.auth_time >= ticket.issued_at:
        return False
    return again or (max_age is not None and now - session.auth_time > max_age)
