"""The consent page: everything the person needs to decide, and nothing that decides for them."""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from authplane.core.pages import render_page
from oauth.authorize.pushed import reference_of
from oauth.consent.display import clean_name, destination, shown_client, shown_resource
from oauth.consent.selectors import standing_consent
from oauth.models import AuthorizationRequest, ConsentGrant
from oauth.ports import project_directory
from oauth.projects import DEFAULT, DEFAULT_NAME, remembered
from oauth.resources.view import ResourceView
from oauth.sessions import csrf, return_to


def consent_page(
    request: HttpRequest, *, waiting: AuthorizationRequest, resource: ResourceView
) -> HttpResponse:
    """The page that asks. Its form may end at the client's address and nowhere else."""
    consent = standing_consent(user=waiting.user, client=waiting.client, resource=resource)
    context = {
        "csrf_token": csrf.session_token(request),
        "session_id": waiting.id,
        "client": shown_client(waiting.client),
        "resource": shown_resource(resource),
        "destination": destination(waiting.redirect_uri),
        "scopes": _tick_boxes(waiting, resource=resource, consent=consent),
        "projects": _project_boxes(waiting, resource=resource, consent=consent),
        "stays_connected": waiting.client.allows_grant_type("refresh_token"),
        "signed_in_as": str(waiting.user),
        "switch_account_url": _switch_account_url(waiting),
    }
    return render_page("oauth/consent.html", context, answers_to=waiting.redirect_uri)


def _project_boxes(
    waiting: AuthorizationRequest, *, resource: ResourceView, consent: ConsentGrant | None
) -> list[dict[str, Any]]:
    """A box for each of the user's projects; none where the resource does not ask.

    Those chosen before are ticked, the default one otherwise. Showing the page writes nothing: for
    somebody without a project there is a box that stands for the one to come.
    """
    if not resource.rules.asks_projects:
        return []
    chosen = remembered(consent, resource=resource)
    return [
        {
            "value": project.id,
            "name": clean_name(project.name) or "A project without a name",
            "ticked": str(project.id) in chosen if chosen else project.is_default,
            "allowed_before": str(project.id) in chosen,
        }
        for project in project_directory().projects_of(waiting.user_id)
    ] or [{"value": DEFAULT, "name": DEFAULT_NAME, "ticked": True, "allowed_before": False}]


def _tick_boxes(
    waiting: AuthorizationRequest, *, resource: ResourceView, consent: ConsentGrant | None
) -> list[dict[str, Any]]:
    """One ticked box per requested scope, in the order of the resource's catalogue."""
    allowed_before = set(consent.scopes) if consent else set()
    requested = waiting.scope.split()
    return [
        {
            "name": scope.name,
            "description": scope.description,
            "ticked": True,
            "allowed_before": scope.name in allowed_before,
        }
        for scope in resource.scopes
        if scope.name in requested
    ]


def _switch_account_url(waiting: AuthorizationRequest) -> str:
    """The sign-in page, from which the same request starts again for somebody else."""
    if waiting.pushed is not None:
        parameters = {
            "client_id": waiting.client.client_id,
            "request_uri": reference_of(waiting.pushed),
        }
    else:
        parameters = _parameters_of(waiting)
    sent = urlencode({name: value for name, value in parameters.items() if value})
    target = return_to.sign(f"{reverse('authorize')}?{sent}")
    return f"{reverse('login')}?{urlencode({'redirect': target})}"


def _parameters_of(waiting: AuthorizationRequest) -> dict[str, str]:
    """The request as it was understood; our own ticket stands in for a signature it had."""
    return {
        "response_type": "code",
        "client_id": waiting.client.client_id,
        "redirect_uri": waiting.redirect_uri,
        "scope": waiting.scope,
        "resource": waiting.resource,
        "state": waiting.state,
        "code_challenge": waiting.code_challenge,
        "code_challenge_method": "S256",
        "dpop_jkt": waiting.dpop_jkt,
    }
