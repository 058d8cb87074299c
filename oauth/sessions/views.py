"""Sign in and sign out."""

from typing import Final

from django.http import HttpRequest, HttpResponse

from authplane.core.config import config
from authplane.core.pages import error_page, page_view, render_page
from oauth.authorize.responses import see_other
from oauth.ports import sign_in_elsewhere
from oauth.sessions import csrf
from oauth.sessions.form import read_page_form
from oauth.sessions.return_to import Waiting, local_path, waiting_request
from oauth.sessions.services import end_session, signed_in
from oauth.sessions.sign_in import Locked, WrongCredentials, sign_in

UNREADABLE: Final = "Invalid request. Please try again."
WRONG: Final = "Invalid email or password"
_SIGNED_OUT_COOKIE: Final = "authserver_signed_out"
HERE: Final = "1"
_NOBODY_WAITS: Final = Waiting()


@page_view("GET", "HEAD", "POST")
def login(request: HttpRequest) -> HttpResponse:
    """The sign-in page; a post answers 303 to where the user was going, or the page again.

    Where passwords do not count here, a post is refused before anything of it is read.
    """
    if request.method == "POST":
        return _sign_in(request) if config().oidc.show_local_login else _no_passwords()
    # Pages that send a user here to come back say `redirect`; some clients of ours say `next`.
    target = request.GET.get("redirect") or request.GET.get("next") or ""
    return _login_page(request, target=local_path(target))


@page_view("POST")
def logout(request: HttpRequest) -> HttpResponse:
    """The session ends on the server; 303 to the sign-in page, which says so.

    Of whoever came from an identity provider the page offers to be signed out there as well. A
    post without a session has nothing to end and is answered alike.
    """
    form = read_page_form(request)
    session = signed_in(request)
    if session is not None:
        token = form.one("csrf_token") if form else ""
        if not csrf.is_session_post_genuine(request, presented=token):
            return stale_form()
    end_session(request)
    response = see_other("/login")
    csrf.forget_nonce(response)
    response.set_cookie(
        _SIGNED_OUT_COOKIE,
        session.provider if session and session.provider else HERE,
        max_age=30,
        path="/login",
        secure=config().session.secure,
        httponly=True,
        samesite="Lax",
    )
    return response


def stale_form() -> HttpResponse:
    """403: the form was not made by us for this session."""
    return error_page(
        status=403,
        title="This form is no longer valid",
        message="It was open for too long, you have signed in again since, or it was not sent from "
        "this site. Nothing was changed.",
        steps=("Go back, reload the page and send the form again.",),
        back=("/account", "Your account"),
    )


def _no_passwords() -> HttpResponse:
    return error_page(
        status=404,
        title="Nobody signs in with a password here",
        message="This server leaves that to an identity provider.",
        back=("/login", "Sign in"),
    )


def _sign_in(request: HttpRequest) -> HttpResponse:
    form = read_page_form(request)
    if form is None:
        return _login_page(request, target="/", error=UNREADABLE, status=422)
    target = local_path(form.one("redirect"))
    email = form.one("email")
    if not csrf.is_login_post_genuine(request, presented=form.one("csrf_token")):
        return _login_page(request, target=target, email=email, error=UNREADABLE, status=422)
    try:
        sign_in(request, email=email, password=form.one("password"))
    except WrongCredentials:
        return _login_page(request, target=target, email=email, error=WRONG, status=422)
    except Locked as locked:
        response = _login_page(
            request, target=target, email=email, error=_locked_text(locked.seconds), status=429
        )
        response["Retry-After"] = str(locked.seconds)
        return response
    # The nonce stays: a double click posts the form again, and so do other tabs that show it.
    return see_other(target)


def _login_page(
    request: HttpRequest, *, target: str, email: str = "", error: str = "", status: int = 200
) -> HttpResponse:
    """The page, bound to this browser by its nonce.

    Its form may end at the waiting client's address, because a remembered consent leads there
    without another page in between.
    """
    nonce = csrf.login_nonce(request)
    waiting = waiting_request(target) or _NOBODY_WAITS
    session, elsewhere = signed_in(request), sign_in_elsewhere()
    context = {
        "csrf_token": csrf.login_token(nonce),
        "redirect": target,
        "email": email or waiting.login_hint,
        "error": error,
        "credentials_wrong": error == WRONG,
        "for_application": bool(waiting.redirect_uri),
        "signed_in_as": str(session.user) if session else "",
        "signed_out": _SIGNED_OUT_COOKIE in request.COOKIES,
        "sign_out_at": elsewhere.can_sign_out(request.COOKIES.get(_SIGNED_OUT_COOKIE, HERE)),
        "elsewhere": elsewhere.offers(),
        "with_password": config().oidc.show_local_login,
    }
    response = render_page(
        "oauth/login.html", context, status=status, answers_to=waiting.redirect_uri
    )
    csrf.keep_nonce(response, nonce=nonce)
    if _SIGNED_OUT_COOKIE in request.COOKIES:
        response.delete_cookie(_SIGNED_OUT_COOKIE, path="/login", samesite="Lax")
    return response


def _locked_text(seconds: int) -> str:
    minutes = -(-seconds // 60)
    unit = "minute" if minutes == 1 else "minutes"
    return f"Too many failed attempts. Try again in {minutes} {unit}."
