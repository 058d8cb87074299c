"""Protect the form pages: a post counts only when our own page made it for this browser.

Two independent guards. The token in the form is a digest of a value that only this browser holds
in an HttpOnly cookie: the session once there is one, a nonce before. And where the browser says
who started the request, it must have been this site.

Django's middleware is not used on these pages because the field name and the cookie are part of
the documented interface.
"""

from typing import Final, Literal

from django.http import HttpRequest, HttpResponse

from authplane.core.config import config
from authplane.core.hashing import new_secret
from authplane.core.uris import origin
from oauth.sessions.marks import is_marked, mark

NONCE_COOKIE: Final = "authserver_login_nonce"
NONCE_MAX_AGE: Final = 12 * 3600
_NONCE: Final = "login-nonce"
_LOGIN_FORM: Final = "login-form"
_SESSION_FORM: Final = "session-form"
SameSite = Literal["Lax", "Strict", "None"]
_SAME_SITE: Final[dict[str, SameSite]] = {"lax": "Lax", "strict": "Strict", "none": "None"}
_OWN_SITE: Final = frozenset({"same-origin", "none"})


def login_nonce(request: HttpRequest) -> str:
    """The nonce of this browser: the one it holds, so that several tabs work, or a new one."""
    nonce, _, proof = request.COOKIES.get(NONCE_COOKIE, "").partition("|")
    genuine = is_marked(nonce, presented=proof, purpose=_NONCE, keys=_keys())
    return nonce if nonce and genuine else new_secret(16)


def keep_nonce(response: HttpResponse, *, nonce: str) -> None:
    """The browser holds the nonce for twelve hours; a nonce without our mark is never accepted."""
    session = config().session
    response.set_cookie(
        NONCE_COOKIE,
        f"{nonce}|{mark(nonce, purpose=_NONCE, key=_keys()[0])}",
        max_age=NONCE_MAX_AGE,
        path="/",
        secure=session.secure,
        httponly=True,
        samesite=_same_site(),
    )


def forget_nonce(response: HttpResponse) -> None:
    """The browser drops the nonce."""
    response.delete_cookie(NONCE_COOKIE, path="/", samesite=_same_site())


def login_token(nonce: str) -> str:
    """The token of a sign-in form shown to the browser that holds `nonce`."""
    return mark(nonce, purpose=_LOGIN_FORM, key=_keys()[0])


def is_login_post_genuine(request: HttpRequest, *, presented: str) -> bool:
    """The sign-in form that carried the presented token was shown to this browser by us."""
    nonce, _, proof = request.COOKIES.get(NONCE_COOKIE, "").partition("|")
    return (
        is_from_this_site(request)
        and is_marked(nonce, presented=proof, purpose=_NONCE, keys=_keys())
        and is_marked(nonce, presented=presented, purpose=_LOGIN_FORM, keys=_keys())
    )


def session_token(request: HttpRequest) -> str:
    """The token of any form shown within the present session; it ends with the session."""
    return mark(_session_key(request), purpose=_SESSION_FORM, key=_keys()[0])


def is_session_post_genuine(request: HttpRequest, *, presented: str) -> bool:
    """The form that carried the presented token was shown by us within this very session."""
    key = _session_key(request)
    return (
        bool(key)
        and is_from_this_site(request)
        and is_marked(key, presented=presented, purpose=_SESSION_FORM, keys=_keys())
    )


def is_from_this_site(request: HttpRequest) -> bool:
    """Nothing says that another site started this request.

    `Sec-Fetch-Site` is set by the browser alone. Older browsers send `Origin` with every post; it
    is compared with the issuer's, and with the validated Host for servers reached by a second name.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in _OWN_SITE
    claimed = request.headers.get("Origin")
    if claimed is None:
        return True
    return claimed in {origin(config().server.issuer), f"{request.scheme}://{request.get_host()}"}


def _session_key(request: HttpRequest) -> str:
    return request.session.session_key or ""


def _same_site() -> SameSite:
    return _SAME_SITE[config().session.same_site]


def _keys() -> tuple[str, ...]:
    secrets = config().secrets
    return tuple(key for key in (secrets.csrf, secrets.csrf_old) if key)
