"""The audit record in the console: found by what one has, told in words, taken along."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.urls import reverse

from admin_api.console.tasks import record_search
from audit.models import AuditEvent
from authplane.core import clock
from authplane.core.ids import first_uuid7_at
from tests.support.factories import make_client, make_user
from tests.support.staff import ALL, desk, reaches

pytestmark = pytest.mark.django_db


@pytest.fixture
def rows():
    """Ten refusals of one client and ten sign-ins of somebody, in turn."""
    for number in range(10):
        AuditEvent.objects.create(
            action="token.issue_denied", client_id="reports", request_id=f"request-{number}",
            detail={"reason": "verifier_mismatch", "grant": "authorization_code"},
        )  # fmt: skip
        AuditEvent.objects.create(action="user.login", actor_id="somebody")


@pytest.fixture
def viewer():
    return desk("viewer")


def found(answer):
    return [(row["row"].action, row["row"].request_id) for row in answer.context["rows"]]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({}, 20),
        ({"action": "user.login"}, 10),
        ({"actor": "somebody"}, 10),
        ({"client": "reports"}, 10),
        ({"client": "reports", "action": "user.login"}, 0),
        ({"request": "request-3"}, 1),
        ({"client": "reports", "request": "request-3"}, 1),
        ({"actor": "some"}, 0),
    ],
)
def test_rows_are_found_by_each_filter(viewer, rows, query, count):
    answer = viewer.get("/console/record/", query)

    assert (200, count) == (answer.status_code, len(found(answer)))


def test_times_bound_what_is_shown(viewer, rows):
    late = clock.now() + timedelta(days=2)
    AuditEvent.objects.create(pk=first_uuid7_at(late), created_at=late, action="user.logout")

    after = viewer.get("/console/record/", {"since": f"{late - timedelta(days=1):%Y-%m-%dT%H:%M}"})
    before = viewer.get("/console/record/", {"until": f"{late - timedelta(days=1):%Y-%m-%dT%H:%M}"})

    assert (1, 20) == (len(found(after)), len(found(before)))


@pytest.mark.parametrize("query", [{"action": "no.such"}, {"since": "yesterday"}])
def test_a_filter_that_cannot_be_read_is_said(viewer, query):
    answer = viewer.get("/console/record/", query)

    assert 400 == answer.status_code
    assert b'class="wrong"' in answer.content


def test_one_goes_on_from_the_last_row(viewer, rows, monkeypatch):
    monkeypatch.setattr(record_search, "PAGE", 4)
    url, seen = "/console/record/", []
    for _ in range(6):
        answer = viewer.get(url, {"client": "reports"} if not seen else {})
        seen += found(answer)
        if not answer.context["older"]:
            break
        url = f"/console/record/{answer.context['older']}"

    assert [f"request-{number}" for number in range(9, -1, -1)] == [one for _, one in seen]


def test_what_has_no_index_is_looked_for_among_some_rows_at_a_time(viewer, rows, monkeypatch):
    monkeypatch.setattr(record_search, "WINDOW", 8)

    first = viewer.get("/console/record/", {"request": "request-0"})
    url, pages = f"/console/record/{first.context['older']}", 1
    while not found(answer := viewer.get(url)):
        url, pages = f"/console/record/{answer.context['older']}", pages + 1

    assert ([], True) == (found(first), first.context["is_window"])
    assert ([("token.issue_denied", "request-0")], 2) == (found(answer), pages)


def test_why_a_token_was_refused_is_said_in_words(viewer):
    client = make_client()
    row = AuditEvent.objects.create(
        action="token.issue_denied", client_id=client.client_id, actor_id=client.client_id,
        detail={"reason": "verifier_mismatch", "grant": "authorization_code"},
        personal=json.dumps({"ip": "203.0.113.7", "salt": "grain-of-salt"}),
    )  # fmt: skip

    page = viewer.get(reverse("admin:record-row", args=[row.pk])).content.decode()

    for text in ("Why it was refused", "verifier_mismatch", "invalid_grant", "What to do",
                 reverse("admin:client-page", args=[client.pk]), "203.0.113.7"):  # fmt: skip
        assert text in page
    assert "grain-of-salt" not in page


@pytest.mark.parametrize(
    ("actor", "text"),
    [
        ("admin", "whoever holds the operator key"),
        ("system", "scheduled work"),
        ("admin-key:pipeline", "operator key pipeline"),
        ("cli:root", "root, at the command line"),
        ("gone-client", "gone-client"),
    ],
)
def test_whoever_acted_is_named(viewer, actor, text):
    row = AuditEvent.objects.create(action="client.suspended", actor_id=actor)

    assert text in viewer.get(reverse("admin:record-row", args=[row.pk])).content.decode()


def test_people_and_clients_are_named_and_linked(viewer):
    user, client = make_user(), make_client()
    for name in (str(user.pk), client.client_id):
        AuditEvent.objects.create(action="token.issued", actor_id=name)

    page = viewer.get("/console/record/").content.decode()

    for text in (reverse("admin:person", args=[user.pk]), str(user),
                 reverse("admin:client-page", args=[client.pk])):  # fmt: skip
        assert text in page


def test_a_page_takes_as_many_statements_whatever_it_shows(viewer, django_assert_max_num_queries):
    def statements():
        with django_assert_max_num_queries(12) as captured:
            viewer.get("/console/record/")
        return len(captured)

    AuditEvent.objects.create(action="user.login", actor_id=str(make_user().pk))
    statements()
    few = statements()
    for _ in range(5):
        AuditEvent.objects.create(action="user.login", actor_id=str(make_user().pk))
        AuditEvent.objects.create(action="token.issued", actor_id=make_client().client_id)

    assert few == statements()


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
def test_what_fits_the_filter_is_taken_along_and_recorded(rows, kind):
    security = desk("security")

    answer = security.post("/console/record/export/", {"format": kind, "client": "reports"})
    text = b"".join(answer.streaming_content).decode()

    lines = text.splitlines()[1:] if kind == "csv" else text.splitlines()
    assert (200, 10) == (answer.status_code, len(lines))
    assert f".{kind}" in answer["Content-Disposition"]
    taken = AuditEvent.objects.get(action="audit.exported")
    assert (str(security.person.pk), kind) == (taken.actor_id, taken.detail["format"])


def test_an_export_of_nothing_known_is_refused():
    answers = [
        desk("security").post("/console/record/export/", {"format": "sealed"}),
        desk("security").get("/console/record/export/"),
    ]

    assert [400, 405] == [answer.status_code for answer in answers]
    assert not AuditEvent.objects.filter(action="audit.exported").exists()


@pytest.mark.parametrize("role", ALL)
def test_reading_takes_a_viewer_and_taking_along_takes_security(role):
    browser = desk(role)

    read = browser.get("/console/record/").status_code == 200
    taken = browser.post("/console/record/export/", {"format": "csv"}).status_code == 200

    assert (reaches(role, "viewer"), reaches(role, "security")) == (read, taken)
