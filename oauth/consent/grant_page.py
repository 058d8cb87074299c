"""GET /consent/grant asks for what an exchange lacked, POST carries out the decision.

The link comes from an application, through whatever channel it has to the user. So the page
believes nothing but the signed link, shows it to nobody but the user it was made for, and every
check is made again when the answer comes.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from authplane.accounts.models import User
from authplane.core import clock
from authplane.core.pages import error_page, page_view, render_page
from oauth.authorize.responses import see_other
from oauth.authorize.trust import INACTIVE_CLIENT, refusal_page, switched_off
from oauth.consent import grant_services as services
from oauth.consent.dead_ends import nothing_ticked, signed_out
from oauth.consent.display import shown_client, shown_resource
from oauth.consent.grant_link import PARAMETER, Ask, read_link
from oauth.consent.selectors import includes, standing_consent
from oauth.models import Client
from oauth.resources.selectors import find_resource
from oauth.resources.view import ResourceView
from oauth.sessions import csrf
from oauth.sessions.form import Form, read_page_form
from oauth.sessions.services import signed_in
from oauth.sessions.views import stale_form


@dataclass(frozen=True, slots=True)
class Question:
    """What a link asks, as far as it can still be answered.

    `scopes` are those that the resource still has.
    """

    ask: Ask
    link: str
    user: User
    client: Client
    resource: ResourceView
    scopes: tuple[str, ...]


@page_view("GET", "HEAD", "POST")
def grant(request: HttpRequest) -> HttpResponse:
    """The question and its answer."""
    return _decide(request) if request.method == "POST" else _ask(request)


def _ask(request: HttpRequest) -> HttpResponse:
    link = request.GET.get(PARAMETER, "")
    unusable = _unusable(read_link(link))
    if unusable is not None:
        return unusable
    session = signed_in(request)
    if session is None:
        return see_other(_sign_in_url(link))
    question = _question(link, user=session.user)
    if isinstance(question, HttpResponse):
        return question
    consent = standing_consent(
        user=question.user, client=question.client, resource=question.resource
    )
    if includes(consent, scopes=question.scopes):
        return _answered(question, allowed=True)
    context = {
        "csrf_token": csrf.session_token(request),
        "request": link,
        "client": shown_client(question.client),
        "resource": shown_resource(question.resource),
        "scopes": _tick_boxes(question, allowed_before=consent.scopes if consent else ()),
        "signed_in_as": str(question.user),
    }
    return render_page("oauth/consent_grant.html", context)


def _decide(request: HttpRequest) -> HttpResponse:
    session = signed_in(request)
    if session is None:
        return signed_out("Open the link of the application again.")
    form = read_page_form(request) or Form({})
    if not csrf.is_session_post_genuine(request, presented=form.one("csrf_token")):
        return stale_form()
    question = _question(form.one(PARAMETER), user=session.user)
    if isinstance(question, HttpResponse):
        return question
    return _carry_out(question, form=form)


def _carry_out(question: Question, *, form: Form) -> HttpResponse:
    """What the pressed button says."""
    ticked = form.all("scopes")
    scopes = tuple(name for name in question.scopes if name in ticked)
    try:
        match form.one("action"):
            case "allow" if not set(ticked) <= set(question.ask.scopes):
                return _damaged()
            case "allow" if not scopes:
                return _nothing_ticked(question)
            case "allow":
                services.allow(
                    question.ask,
                    user=question.user,
                    client=question.client,
                    resource=question.resource,
                    scopes=scopes,
                    now=clock.now(),
                )
                return _answered(question, allowed=True)
            case "deny":
                services.deny(question.ask, user=question.user, client=question.client)
                return _answered(question, allowed=False)
            case _:
                return _damaged()
    except services.AlreadyAnswered:
        return _already_answered()


def _question(link: str, *, user: User) -> Question | HttpResponse:
    """What can be asked of this user, or the page that says why nothing can."""
    ask = read_link(link)
    if ask is None or ask.is_expired(now=clock.now()):
        return _unusable(ask) or _damaged()
    if not ask.is_for(user.pk):
        return _of_another_account(link)
    client = Client.objects.filter(pk=ask.client).first()
    if client is None or client.status != Client.Status.ACTIVE:
        return refusal_page(switched_off(client) if client else INACTIVE_CLIENT)
    resource = find_resource(ask.resource)
    scopes = tuple(name for name in ask.scopes if resource and name in resource.scope_names)
    if resource is None or not scopes:
        return _gone()
    return Question(ask, link, user, client, resource, scopes)


def _tick_boxes(question: Question, *, allowed_before: Any) -> list[dict[str, Any]]:
    """One ticked box per scope that is asked for, in the order of the resource's catalogue."""
    return [
        {
            "name": scope.name,
            "description": scope.description,
            "ticked": True,
            "allowed_before": scope.name in allowed_before,
        }
        for scope in question.resource.scopes
        if scope.name in question.scopes
    ]


def _sign_in_url(link: str) -> str:
    here = f"{reverse('consent-grant')}?{urlencode({PARAMETER: link})}"
    return f"{reverse('login')}?{urlencode({'redirect': here})}"


def _answered(question: Question, *, allowed: bool) -> HttpResponse:
    context = {
        "allowed": allowed,
        "client": shown_client(question.client),
        "resource": shown_resource(question.resource),
    }
    return render_page("oauth/consent_granted.html", context)


def _unusable(ask: Ask | None) -> HttpResponse | None:
    if ask is None:
        return _damaged()
    return _expired() if ask.is_expired(now=clock.now()) else None


def _damaged() -> HttpResponse:
    return error_page(
        status=400,
        title="This link cannot be used",
        message="It is incomplete or damaged, or this server did not make it.",
        steps=("Go back to the application and let it try again: it gets a new link.",),
        back=(reverse("account"), "Your account"),
    )


def _expired() -> HttpResponse:
    return error_page(
        status=400,
        title="This link has expired",
        message="Such links are good for ten minutes. No decision was made.",
        steps=("Go back to the application and let it try again: it gets a new link.",),
        back=(reverse("account"), "Your account"),
    )


def _of_another_account(link: str) -> HttpResponse:
    return error_page(
        status=403,
        title="This link is for another account",
        message="It was made for somebody else than the person who is signed in here.",
        steps=(
            "Sign in with the account that you use in the application.",
            "If nobody but you should have this link, do not use it.",
        ),
        back=(_sign_in_url(link), "Use another account"),
    )


def _gone() -> HttpResponse:
    return error_page(
        status=400,
        title="This request cannot be continued",
        message="What the application asked for does not exist any more.",
        steps=("Go back to the application and let it try again.",),
        back=(reverse("account"), "Your account"),
    )


def _already_answered() -> HttpResponse:
    return error_page(
        status=400,
        title="You have answered this already",
        message="Each link can be answered once. What you decided the first time stands.",
        steps=(
            "Go back to the application. If it is still waiting, let it try again.",
            "To take access away, open your account page.",
        ),
        back=(reverse("account"), "Your account"),
    )


def _nothing_ticked(question: Question) -> HttpResponse:
    here = f"{reverse('consent-grant')}?{urlencode({PARAMETER: question.link})}"
    return nothing_ticked(here)
