"""The account page: who is signed in, which applications have access, and how to end either."""

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from authplane.core import clock
from authplane.core.pages import page_view, render_page
from oauth.authorize.responses import see_other
from oauth.consent.display import clean_name, shown_client, shown_resource
from oauth.consent.revocation import revoke_consent
from oauth.consent.selectors import consents_of
from oauth.ports import project_directory
from oauth.resources.selectors import view_of
from oauth.sessions import csrf
from oauth.sessions.form import Form, read_page_form
from oauth.sessions.services import SignedIn, signed_in
from oauth.sessions.views import stale_form


@page_view("GET", "HEAD")
def home(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - the same for everyone
    """The root leads to the account page, which leads to sign-in."""
    return see_other(reverse("account"))


@page_view("GET", "HEAD")
def account(request: HttpRequest) -> HttpResponse:
    """The account page of the person who is signed in."""
    session = signed_in(request)
    if session is None:
        return see_other(f"{reverse('login')}?redirect={reverse('account')}")
    return _account_page(request, session=session)


@page_view("POST")
def remove_access(request: HttpRequest) -> HttpResponse:
    """The application loses what the person had allowed it, tokens included; 303 back.

    An id of another person's consent, or of one removed already, changes nothing and is answered
    alike.
    """
    session = signed_in(request)
    if session is None:
        return see_other(f"{reverse('login')}?redirect={reverse('account')}")
    form = read_page_form(request) or Form({})
    if not csrf.is_session_post_genuine(request, presented=form.one("csrf_token")):
        return stale_form()
    try:
        consent_id = UUID(form.one("consent"))
    except ValueError:
        return stale_form()
    removed = revoke_consent(consent_id=consent_id, user=session.user, now=clock.now())
    return see_other(f"{reverse('account')}{'?removed=1' if removed else ''}")


def _account_page(request: HttpRequest, *, session: SignedIn) -> HttpResponse:
    consents = list(consents_of(session.user))
    names = _project_names(session) if any(consent.projects for consent in consents) else {}
    apps = [
        {
            "id": consent.pk,
            "client": shown_client(consent.client),
            "resource_name": shown_resource(view_of(consent.resource)).name,
            "scopes": consent.scopes,
            "projects": [names[key] for key in consent.projects if key in names],
            "since": consent.created_at,
        }
        for consent in consents
    ]
    context = {
        "csrf_token": csrf.session_token(request),
        "signed_in_as": str(session.user),
        "removed": "removed" in request.GET,
        "apps": apps,
    }
    return render_page("oauth/account.html", context)


def _project_names(session: SignedIn) -> dict[str, str]:
    """What the user's projects are called, by id."""
    known = project_directory().projects_of(session.user.pk)
    return {str(project.id): clean_name(project.name) for project in known}
