"""Clients in the console: made by kind, changed, stopped, each by whoever may."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta

import pytest
from django.contrib.messages import get_messages
from django.test import Client as Browser
from django.urls import reverse

from audit.models import AuditEvent
from authplane.accounts.models import User
from authplane.core import clock
from oauth.clients.secrets import verify_secret
from oauth.models import AccessToken, Client, TokenFamily
from tests.support.factories import make_client, make_confidential_client, make_resource, make_user
from tests.support.staff import ALL, desk, reaches

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator():
    return desk("operator")


@pytest.fixture
def security():
    return desk("security")


def latest():
    return AuditEvent.objects.order_by("-pk").first()


def page(client, action=""):
    return reverse("admin:client-do" if action else "admin:client-page",
                   args=[client.pk, action] if action else [client.pk])  # fmt: skip


def answers(browser, kind, **more):
    form = browser.get(f"/console/clients/new/{kind}/")
    once = re.search(rb'name="once" value="([^"]+)"', form.content)[1].decode()
    return {"client_name": "Reports", "once": once} | more


@pytest.mark.parametrize(
    ("kind", "given", "expected"),
    [
        (
            "browser",
            {"redirect_uris": "https://app.example.com/cb", "method": "client_secret_basic"},
            ("client_secret_basic", ["authorization_code", "refresh_token"], False),
        ),
        (
            "native",
            {"redirect_uris": "http://127.0.0.1/cb\ncom.example.app:/cb"},
            ("none", ["authorization_code", "refresh_token"], False),
        ),
        (
            "machine",
            {"method": "client_secret_basic", "scopes": ["read"]},
            ("client_secret_basic", ["client_credentials"], False),
        ),
        (
            "agent",
            {"method": "client_secret_basic", "scopes": ["read"], "ways": ["alone"],
             "agent_description": "Reads reports."},
            ("client_secret_basic", ["client_credentials"], True),
        ),
    ],
)  # fmt: skip
def test_each_kind_becomes_a_client_of_its_kind(operator, kind, given, expected):
    make_resource()

    made = operator.post(f"/console/clients/new/{kind}/", answers(operator, kind, **given))

    client = Client.objects.get()
    assert 200 == made.status_code
    assert expected == (client.token_endpoint_auth_method, client.grant_types, client.is_agent)
    assert "no-store" in made["Cache-Control"]
    assert ("client.created_admin", str(operator.person.pk)) == (
        latest().action,
        latest().actor_id,
    )
    shown = re.search(rb'id="the-secret">([^<]+)<', made.content)
    assert (shown is None) == (client.token_endpoint_auth_method == "none")
    if shown:
        assert verify_secret(shown[1].decode(), client=client, now=clock.now())
        assert shown[1] not in operator.get(page(client)).content


@pytest.mark.parametrize(
    ("kind", "given", "said"),
    [
        ("native", {"redirect_uris": "http://app.example.com/cb"}, "loopback hosts only"),
        ("native", {"redirect_uris": "javascript:alert(1)"}, "cannot be redirected to safely"),
        ("browser", {"redirect_uris": "", "method": "none"}, "This field is required"),
        ("machine", {"method": "client_secret_basic"}, "Tick at least one"),
        ("agent", {"method": "none", "ways": ["alone"], "scopes": ["read"]}, "prove who it is"),
        ("agent", {"method": "none", "ways": ["users"]}, "acts for people needs one"),
        ("machine", {"method": "private_key_jwt", "scopes": ["read"]}, "where its public keys are"),
        (
            "machine",
            {"method": "private_key_jwt", "scopes": ["read"],
             "keys": '{"keys": [{"kty": "oct", "k": "x"}]}'},
            "public keys only",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_registered_is_said_beside_the_answer(operator, kind, given, said):
    make_resource()

    refused = operator.post(f"/console/clients/new/{kind}/", answers(operator, kind, **given))

    assert (400, False) == (refused.status_code, Client.objects.exists())
    assert said in refused.content.decode()
    assert "Reports" in refused.content.decode(), "what was typed is kept"


def test_a_form_that_is_sent_twice_makes_one_client(operator):
    given = answers(operator, "native", redirect_uris="http://127.0.0.1/cb")

    first, second = (operator.post("/console/clients/new/native/", given) for _ in range(2))

    assert (200, 400, 1) == (first.status_code, second.status_code, Client.objects.count())
    assert b"sent before" in second.content


def test_a_page_says_what_an_action_reaches_and_changes_nothing(operator):
    client, now = make_client(), clock.now()
    user = make_user()
    for _ in range(2):
        TokenFamily.objects.create(
            client=client,
            user=user,
            resource="r",
            auth_time=now,
            expires_at=now + timedelta(days=1),
        )
    AccessToken.objects.create(
        kind="authorization_code", subject="s", resource="r", application=client, user=user,
        expires=now + timedelta(minutes=5),
    )  # fmt: skip

    asked = operator.get(page(client, "suspend")).content.decode()

    assert "1 access token in force and 2 sign-ins" in asked
    client.refresh_from_db()
    assert "active" == client.status
    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize(
    ("before", "action", "after", "event"),
    [
        ("active", "suspend", "suspended", "client.suspended"),
        ("suspended", "reactivate", "active", "client.reactivated"),
        ("active", "revoke", "revoked", "client.revoked"),
    ],
)
def test_a_client_is_stopped_and_started(operator, before, action, after, event):
    client = make_client(status=before)

    done = operator.post(page(client, action))

    client.refresh_from_db()
    assert (302, page(client), after) == (done.status_code, done["Location"], client.status)
    assert (event, str(operator.person.pk)) == (latest().action, latest().actor_id)
    assert list(get_messages(done.wsgi_request))


def test_an_action_that_does_not_fit_is_refused_in_words(operator):
    client = make_client(status="revoked")

    refused = operator.post(page(client, "reactivate"))

    client.refresh_from_db()
    assert (409, "revoked") == (refused.status_code, client.status)
    assert b"Nothing was changed" in refused.content
    assert not AuditEvent.objects.exists()


def test_a_secret_is_rotated_with_the_overlap_that_was_chosen(security):
    made = make_confidential_client()

    done = security.post(page(made.row, "rotate-secret"), {"overlap": "3600"})

    made.row.refresh_from_db()
    new = re.search(rb'id="the-secret">([^<]+)<', done.content)[1].decode()
    now = clock.now()
    assert verify_secret(new, client=made.row, now=now)
    assert verify_secret(made.secret, client=made.row, now=now)
    assert not verify_secret(made.secret, client=made.row, now=now + timedelta(hours=1, seconds=1))
    assert {"overlap_seconds": 3600} == latest().detail


def test_a_client_in_use_is_deleted_only_on_a_second_word(operator):
    client, now = make_client(), clock.now()
    AccessToken.objects.create(
        kind="client_credentials", subject="s", resource="r", application=client,
        expires=now + timedelta(minutes=5),
    )  # fmt: skip

    refused = operator.post(page(client, "delete"))
    assert (409, 1) == (refused.status_code, Client.objects.count())
    done = operator.post(page(client, "delete"), {"force": "on"})

    assert (302, 0) == (done.status_code, Client.objects.count())


def test_a_change_of_what_somebody_else_changed_is_refused(operator):
    client = make_client(name="Before")
    form = {"client_name": "Mine", "redirect_uris": client.redirect_uris, "version": "1"}
    url = reverse("admin:client-change", args=[client.pk])

    assert 302 == operator.post(url, form).status_code
    refused = operator.post(url, form | {"client_name": "Stale"})

    client.refresh_from_db()
    assert (400, "Mine") == (refused.status_code, client.name)


ROUTES = [
    ("get", "/console/clients/new/", "operator"),
    ("get", "/console/clients/new/native/", "operator"),
    ("get", "page", "viewer"),
    ("get", "change", "operator"),
    ("post", "change", "operator"),
    ("get", "suspend", "operator"),
    ("post", "suspend", "operator"),
    ("post", "revoke", "operator"),
    ("post", "delete", "operator"),
    ("get", "rotate-secret", "security"),
    ("post", "rotate-secret", "security"),
]


@pytest.mark.parametrize("role", ALL)
@pytest.mark.parametrize(("method", "route", "needed"), ROUTES)
def test_each_view_asks_for_the_role_itself(role, method, route, needed):
    client, browser = make_confidential_client().row, desk(role)
    url = route if route.startswith("/") else page(client, "" if route == "page" else route)

    answer = getattr(browser, method)(url)

    if role == "stranger":
        assert (302, True) == (answer.status_code, "/console/login/" in answer["Location"])
    else:
        assert (answer.status_code != 403) == reaches(role, needed)
    if not reaches(role, needed):
        client.refresh_from_db()
        assert ("active", 1) == (client.status, client.version)


def test_a_post_without_the_token_of_the_form_is_refused(operator):
    client = make_client()
    strict = Browser(enforce_csrf_checks=True)
    strict.force_login(operator.person)

    answer = strict.post(page(client, "suspend"))

    client.refresh_from_db()
    assert (403, "active") == (answer.status_code, client.status)


@pytest.mark.parametrize("route", ["client-page", "client-change"])
def test_an_unknown_client_has_no_page(operator, route):
    assert 404 == operator.get(reverse(f"admin:{route}", args=[uuid.uuid4()])).status_code


def test_the_page_of_a_client_takes_as_many_statements_whatever_it_holds(
    operator, django_assert_max_num_queries
):
    client, now = make_client(), clock.now()

    def statements():
        with django_assert_max_num_queries(25) as captured:
            operator.get(page(client))
        return len(captured)

    def token():
        AccessToken.objects.create(
            kind="authorization_code", subject="s", resource="r", application=client,
            user=make_user(), expires=now + timedelta(minutes=5),
        )  # fmt: skip
        AuditEvent.objects.create(action="token.issued", client_id=client.client_id)

    token()
    statements()  # What is kept per process is read once.
    few = statements()
    for _ in range(6):
        token()

    assert few == statements()
    assert User.objects.count() > 6
