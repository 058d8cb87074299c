"""Grants that open some of a user's projects: chosen on the consent page, told to the resource."""

from __future__ import annotations

import pytest

from broker.models import Project
from tests.support import factories
from tests.support.digests import nothing_changes
from tests.support.exchanging import make_delegation
from tests.support.oauth_client import FlowStopped
from tests.support.pages import form_with
from tests.support.record import recorded

HTTPS = "https://app.example.com/callback"
MEMBER = "granted_project_uuids"


def asking(resource, **policy):
    """The resource lets users choose projects."""
    from oauth.resources import selectors

    resource.policy = resource.policy | {"consent": {"projects": True}} | policy
    resource.save()
    selectors._directories.forget()


@pytest.fixture
def home(scene):
    return Project.objects.create(user=scene.user, name="Home", is_default=True)


@pytest.fixture
def work(scene, home):
    return Project.objects.create(user=scene.user, name="Work <b>")


@pytest.fixture
def chosen(scene, work):
    """The scene's resource asks, and its user has two projects."""
    asking(scene.resource)
    return scene


def ticking(*projects):
    return {"read", "write", *(str(project.pk) for project in projects)}


def introspected(scene, token):
    answer = scene.watcher.introspect(token)
    assert answer.status_code == 200, answer.text
    return answer.json()


def listed(scene, tokens):
    """What the token and its introspection say, which is the same."""
    told = introspected(scene, tokens["access_token"])[MEMBER]
    assert told == scene.client.claims(tokens["access_token"])["projects"]
    return told


def redeemed(scene, *projects):
    issued = scene.authorize(ticked=ticking(*projects))
    answer = scene.client.redeem(issued)
    assert answer.status_code == 200, answer.text
    return answer.json()


def consent_page(scene, driver=None, **request):
    driver = driver or scene.client
    driver.sign_in(scene.person)
    return driver.http.get(driver.start(**request).headers["location"])


def boxes(page):
    form = form_with(page.text, url=str(page.url), field_name="session_id")
    return {value: shown for name, value, shown in form.boxes if name == "projects"}


def posted(scene, page, *values):
    """The form with these values for projects, whatever it offered."""
    form = form_with(page.text, url=str(page.url), field_name="session_id")
    pairs = form.submission(button=("action", "allow"), ticked={"read", "write"})
    pairs += [("projects", value) for value in values]
    return scene.client.post_form(form.action, pairs, page=page)


@pytest.mark.spec("Plugged.in", "P27", "MUST", "the user picks projects, introspection lists them")
def test_the_token_names_what_the_user_picked(chosen, home, work):
    page = consent_page(chosen)
    assert {str(home.pk): True, str(work.pk): False} == boxes(page)
    assert "Work &lt;b&gt;" in page.text

    tokens = redeemed(chosen, work)

    assert [str(work.pk)] == listed(chosen, tokens)
    assert [str(work.pk)] == [row["projects"] for row in recorded("consent.granted")]


def test_a_refresh_token_is_told_about_with_them(chosen, work):
    tokens = chosen.machine.tokens(chosen.person, ticked=ticking(work))

    assert [str(work.pk)] == chosen.machine.introspect(tokens["refresh_token"]).json()[MEMBER]


@pytest.mark.spec("Plugged.in", "P27", "MUST", "a project of somebody else is refused")
@pytest.mark.shows("audit event", "consent.foreign_project")
@pytest.mark.parametrize("own_too", [True, False])
def test_a_project_of_somebody_else_is_refused_whole(chosen, work, own_too):
    foreign = Project.objects.create(user=factories.make_user(), name="Theirs")
    page = consent_page(chosen)

    with nothing_changes():
        answer = posted(chosen, page, *([str(work.pk)] if own_too else []), str(foreign.pk))

    assert 400 == answer.status_code
    assert "Theirs" not in answer.text
    (told,) = recorded("consent.foreign_project")
    assert {"project": str(foreign.pk), "resource": chosen.resource.uri} == told
    assert [str(work.pk)] == listed(chosen, redeemed(chosen, work))


@pytest.mark.parametrize("value", ["", "x", "defaults", "018f3a5c-0000-7000-8000-000000000001"])
def test_what_is_no_project_is_refused(chosen, value):
    page = consent_page(chosen)

    with nothing_changes():
        assert 400 == posted(chosen, page, value).status_code


def test_at_least_one_is_ticked(chosen):
    page = consent_page(chosen)

    with nothing_changes():
        answer = posted(chosen, page)

    assert (400, True) == (answer.status_code, "Nothing is ticked" in answer.text)


def test_a_refresh_keeps_them_without_those_that_are_gone(chosen, home, work):
    tokens = redeemed(chosen, home, work)
    home.delete()
    assert [str(work.pk)] == introspected(chosen, tokens["access_token"])[MEMBER]

    first = chosen.client.refresh(tokens["refresh_token"]).json()
    assert [str(work.pk)] == listed(chosen, first)
    work.delete()
    second = chosen.client.refresh(first["refresh_token"]).json()

    assert [] == listed(chosen, second)


@pytest.mark.parametrize("token_format", ["jwt", "opaque"])
def test_an_exchange_keeps_them(scene, token_format):
    delegation = make_delegation(scene)
    asking(delegation.front, token_format=token_format)
    asking(delegation.back, token_format=token_format)
    project = Project.objects.create(user=delegation.user, name="Work")
    Project.objects.create(user=delegation.user, name="Home", is_default=True)
    delegation.consent("read")
    token = delegation.subject_token(ticked={"read", "write", str(project.pk)})

    exchanged = delegation.exchanged(token, scope="read")["access_token"]

    assert [str(project.pk)] == delegation.gateway.introspect(exchanged).json()[MEMBER]


def test_an_opaque_token_is_told_about_like_any_other(chosen, work):
    asking(chosen.resource, token_format="opaque")

    tokens = redeemed(chosen, work)

    assert [str(work.pk)] == introspected(chosen, tokens["access_token"])[MEMBER]


def test_consent_is_remembered_while_a_project_of_it_is_left(chosen, home, work):
    row = factories.make_client(redirect_uris=HTTPS)
    web = factories.driver_for(
        row, base=chosen.client, resource=chosen.resource.uri, redirect_uri=HTTPS
    )
    web.authorize(chosen.person, ticked=ticking(home, work))
    home.delete()

    again = web.start()
    assert again.headers["location"].startswith(HTTPS)
    tokens = web.redeem(web.authorize(chosen.person, ticked=set())).json()
    assert [str(work.pk)] == listed(chosen, tokens)
    work.delete()
    asked = web.http.get(web.start().headers["location"])

    assert {"default": True} == boxes(asked)


def test_choosing_again_replaces_the_choice(chosen, home, work):
    redeemed(chosen, home, work)
    assert all(boxes(consent_page(chosen)).values())

    assert [str(home.pk)] == listed(chosen, redeemed(chosen, home))

    assert {str(home.pk): True, str(work.pk): False} == boxes(consent_page(chosen))


def test_the_first_project_is_made_when_it_is_allowed(scene):
    asking(scene.resource)
    page = consent_page(scene)
    assert {"default": True} == boxes(page)
    assert not Project.objects.exists()

    tokens = scene.tokens()

    assert [str(Project.objects.get(user=scene.user, is_default=True).pk)] == listed(scene, tokens)


def test_a_double_click_opens_no_more_than_was_recorded(chosen, home, work):
    page = consent_page(chosen)
    first = posted(chosen, page, str(home.pk))
    assert first.is_redirect

    assert 400 == posted(chosen, page, str(home.pk), str(work.pk)).status_code
    assert posted(chosen, page, str(home.pk)).is_redirect


def test_a_resource_that_does_not_ask_hears_nothing_of_projects(scene, work):
    page = consent_page(scene)
    assert {} == boxes(page)

    tokens = scene.machine.tokens(scene.person)

    assert "projects" not in scene.client.claims(tokens["access_token"])
    assert MEMBER not in introspected(scene, tokens["access_token"])
    assert MEMBER not in scene.machine.introspect(tokens["refresh_token"]).json()


def test_the_account_page_names_them(chosen, work):
    redeemed(chosen, work)

    shown = chosen.client.http.get("/account").text

    assert "Projects: Work &lt;b&gt;</p>" in shown


def test_a_client_for_itself_has_none(chosen):
    token = chosen.machine_token()

    assert MEMBER not in introspected(chosen, token)
    with pytest.raises(FlowStopped):
        chosen.authorize(ticked={"read"})
