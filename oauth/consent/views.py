"""GET /consent shows what is asked, POST /consent carries out the decision."""

from datetime import timedelta
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from authplane.core import clock
from authplane.core.config import config
from authplane.core.pages import error_page, page_view
from oauth.authorize import pending
from oauth.authorize.responses import (
    ReturnAddress,
    code_redirect,
    error_redirect,
    observe_flow,
    see_other,
)
from oauth.authorize.trust import (
    UNTRUSTED_REDIRECT,
    is_registered_redirect,
    refusal_page,
    switched_off,
)
from oauth.consent import services
from oauth.consent.dead_ends import nothing_ticked, signed_out
from oauth.consent.page import consent_page
from oauth.errors import Reason
from oauth.models import AuthorizationRequest, Client
from oauth.projects import ForeignProject, choose
from oauth.resources.selectors import resource_of_audience
from oauth.sessions import csrf
from oauth.sessions.form import Form, read_page_form
from oauth.sessions.services import signed_in
from oauth.sessions.views import stale_form


@page_view("GET", "HEAD", "POST")
def consent(request: HttpRequest) -> HttpResponse:
    """The question and its answer."""
    return _decide(request) if request.method == "POST" else _ask(request)


def _ask(request: HttpRequest) -> HttpResponse:
    request_id = request.GET.get("session_id", "")
    if not request_id:
        return _not_continuable()
    session = signed_in(request)
    if session is None:
        here = f"{reverse('consent')}?{urlencode({'session_id': request_id})}"
        return see_other(f"{reverse('login')}?{urlencode({'redirect': here})}")
    waiting = pending.find_owned(request_id, user=session.user, now=clock.now())
    if waiting is None:
        return _not_continuable()
    if waiting.decided_at is not None:
        return _already_answered()
    resource = resource_of_audience(waiting.resource)
    if resource is None:
        return _not_continuable()
    return _withdrawn_page(waiting) or consent_page(request, waiting=waiting, resource=resource)


def _decide(request: HttpRequest) -> HttpResponse:
    session = signed_in(request)
    if session is None:
        return signed_out()
    form = read_page_form(request) or Form({})
    if not csrf.is_session_post_genuine(request, presented=form.one("csrf_token")):
        return stale_form()
    waiting = pending.find_owned(form.one("session_id"), user=session.user, now=clock.now())
    if waiting is None:
        return _not_continuable()
    return _withdrawn_page(waiting) or _carry_out(waiting, form=form)


def _carry_out(waiting: AuthorizationRequest, *, form: Form) -> HttpResponse:
    """What the pressed button says."""
    try:
        match form.one("action"):
            case "allow":
                return _allow(waiting, ticked=form.all("scopes"), projects=form.all("projects"))
            case "deny":
                return _deny(waiting)
            case _:
                return _not_continuable()
    except services.AlreadyAnswered:
        return _already_answered()


def _allow(
    waiting: AuthorizationRequest, *, ticked: tuple[str, ...], projects: tuple[str, ...]
) -> HttpResponse:
    """The code, for the ticked scopes and projects; ticking none is not a way to allow nothing."""
    requested = waiting.scope.split()
    resource = resource_of_audience(waiting.resource)
    if resource is None or not set(ticked) <= set(requested):
        return _not_continuable()
    if requested and not ticked:
        return _nothing_ticked(waiting)
    scopes = [name for name in requested if name in ticked]
    try:
        chosen = choose(projects, user_id=waiting.user_id, client=waiting.client, resource=resource)
    except ForeignProject:
        return _not_continuable()
    if resource.rules.asks_projects and not chosen:
        return _nothing_ticked(waiting)
    code = services.allow(
        waiting, resource=resource, scopes=scopes, projects=chosen, now=clock.now()
    )
    _observe(waiting)
    return code_redirect(_address(waiting), code=code)


def _deny(waiting: AuthorizationRequest) -> HttpResponse:
    """The client learns that the user said no, and nothing else."""
    services.deny(waiting, now=clock.now())
    _observe(waiting)
    return error_redirect(_address(waiting), reason=Reason.ACCESS_DENIED)


def _address(waiting: AuthorizationRequest) -> ReturnAddress:
    return ReturnAddress(waiting.redirect_uri, waiting.state)


def _observe(waiting: AuthorizationRequest) -> None:
    observe_flow(started=waiting.expires_at - timedelta(seconds=config().tokens.sign_in_ttl))


def _withdrawn_page(waiting: AuthorizationRequest) -> HttpResponse | None:
    """The client was suspended, or gave up the redirect URI, while the user was reading."""
    if waiting.client.status != Client.Status.ACTIVE:
        return refusal_page(switched_off(waiting.client))
    if not is_registered_redirect(waiting.client, waiting.redirect_uri):
        return refusal_page(UNTRUSTED_REDIRECT)
    return None


def _not_continuable() -> HttpResponse:
    return error_page(
        status=400,
        title="This request cannot be continued",
        message="It has expired, belongs to another account, or is damaged.",
        steps=("Go back to the application and start again.",),
        back=(reverse("account"), "Your account"),
    )


def _already_answered() -> HttpResponse:
    return error_page(
        status=400,
        title="You have answered this already",
        message="Each request can be answered once. What you decided the first time stands.",
        steps=(
            "Go back to the application. If it is still waiting, start again there.",
            "To take access away, open your account page.",
        ),
        back=(reverse("account"), "Your account"),
    )


def _nothing_ticked(waiting: AuthorizationRequest) -> HttpResponse:
    return nothing_ticked(f"{reverse('consent')}?{urlencode({'session_id': waiting.id})}")
