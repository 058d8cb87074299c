"""Where users may be sent after connecting: a list of each brokered resource, from everywhere."""

from __future__ import annotations

import io
import json
from urllib.parse import quote

import pytest
from django.core.management import CommandError, call_command

from broker.connect.return_urls import is_allowed
from oauth.models import Resource
from oauth.resources.selectors import drop, find_resource
from tests.support.digests import nothing_changes
from tests.support.factories import make_resource
from tests.support.record import recorded

pytestmark = pytest.mark.django_db
DONE = "https://app.example.com/done?x=1"
ANY_PORT = "http://localhost:*"
ADDED = "resource.policy.connect.allowed_return_url.added"
REMOVED = "resource.policy.connect.allowed_return_url.removed"


@pytest.fixture
def calendar(operator):
    body = {"slug": "google", "preset": "google", "config_data": {"client_id": "c"}, "secret": "s"}
    assert operator.post("/admin/broker-providers", body).status_code == 201
    made = operator.post(
        "/admin/resources",
        {"slug": "calendar", "backend_kind": "broker", "broker_provider_slug": "google",
         "scopes": [{"name": "cal"}]},
    )  # fmt: skip
    assert made.status_code == 201, made.content
    return made.json()


def path_of(slug):
    return f"/admin/resources/{slug}/policy/connect/allowed-return-urls"


@pytest.mark.shows(
    "audit event",
    "resource.policy.connect.allowed_return_url.added",
    "resource.policy.connect.allowed_return_url.removed",
)
def test_a_url_is_put_on_the_list_and_taken_off(operator, calendar):
    path = path_of("calendar")
    assert {"allowed_return_urls": []} == operator.get(path).json()
    for _ in range(2):
        answer = operator.post(path, {"url": DONE})
        assert (200, {"allowed_return_urls": [DONE]}) == (answer.status_code, answer.json())
    assert operator.post(path, {"url": ANY_PORT}).json()["allowed_return_urls"] == [DONE, ANY_PORT]

    drop()
    listed = find_resource("calendar").return_urls
    assert is_allowed(DONE, of_resource=listed)
    assert is_allowed("http://localhost:5173/cb", of_resource=listed)
    assert not is_allowed("https://app.example.com/done", of_resource=listed)
    assert not is_allowed(DONE)
    shown = operator.get(f"/admin/resources/{calendar['id']}").json()["policy"]["connect"]
    assert shown == {"allowed_return_urls": [DONE, ANY_PORT]}

    for _ in range(2):
        answer = operator.delete(f"{path}?url={quote(DONE, safe='')}")
        assert (200, {"allowed_return_urls": [ANY_PORT]}) == (answer.status_code, answer.json())
    assert recorded(ADDED) == [
        {"slug": "calendar", "return_url": DONE},
        {"slug": "calendar", "return_url": ANY_PORT},
    ]
    assert recorded(REMOVED) == [{"slug": "calendar", "return_url": DONE}]


@pytest.mark.parametrize(
    "body",
    [{}, {"url": ""}, {"url": 7}, {"url": "x" * 2049}, {"url": DONE, "other": 1},
     {"url": "http://app.example.com/done"}, {"url": "https://app.example.com/*"},
     {"url": "https://*.example.com/"}, {"url": "javascript:alert(1)"}, {"url": "//evil.example"},
     {"url": "https://user@app.example.com/"}, {"url": "https://app.example.com/#x"},
     {"url": "http://localhost:*/cb"}, {"url": "http://[::1]:*"}, {"url": "/connections"}],
)  # fmt: skip
def test_what_nobody_may_be_sent_to_changes_nothing(operator, calendar, body):
    with nothing_changes():
        answer = operator.post(path_of("calendar"), body)
    assert (400, "invalid_request") == (answer.status_code, answer.json()["error"])


@pytest.mark.parametrize("query", ["", "?url=", "?url=a&url=b", "?url=a&x=1"])
def test_the_query_of_a_removal(operator, calendar, query):
    operator.post(path_of("calendar"), {"url": DONE})
    with nothing_changes():
        answer = operator.delete(f"{path_of('calendar')}{query}")
    assert answer.status_code == (200 if query == "?url=" else 400)


def test_only_brokered_resources_that_exist_have_a_list(operator):
    path = path_of(make_resource().slug)
    with nothing_changes():
        answers = [operator.get(path), operator.post(path, {"url": DONE}),
                   operator.delete(f"{path}?url=x")]  # fmt: skip
        assert {answer.status_code for answer in answers} == {400}
        path = path_of("nobody")
        answers = [operator.get(path), operator.post(path, {"url": DONE}),
                   operator.delete(f"{path}?url=x")]  # fmt: skip
        assert {answer.status_code for answer in answers} == {404}


def test_the_list_is_bounded(operator, calendar):
    urls = [f"https://app.example.com/{number}" for number in range(101)]
    path = f"/admin/resources/{calendar['id']}"
    with nothing_changes():
        answer = operator.patch(path, {"policy": {"connect": {"allowed_return_urls": urls}}})
    assert answer.status_code == 400
    answer = operator.patch(path, {"policy": {"connect": {"allowed_return_urls": urls[:100]}}})
    assert answer.status_code == 200
    with nothing_changes():
        assert operator.post(path_of("calendar"), {"url": urls[-1]}).status_code == 400


def test_other_changes_of_the_policy_leave_the_list_and_a_whole_policy_replaces_it(
    operator, calendar
):
    operator.post(path_of("calendar"), {"url": DONE})
    answer = operator.patch("/admin/resources/calendar/policy/rules", {"token_lifetime": 60})
    assert answer.status_code == 200
    stored = Resource.objects.get(slug="calendar")
    assert stored.policy["connect"] == {"allowed_return_urls": [DONE]}

    operator.patch(f"/admin/resources/{calendar['id']}", {"policy": {}})
    assert operator.get(path_of("calendar")).json() == {"allowed_return_urls": []}


@pytest.mark.parametrize(
    "connect", [7, [], {"x": 1}, {"allowed_return_urls": "x"}, {"allowed_return_urls": [7]},
                {"allowed_return_urls": ["http://a.example/"]}],
)  # fmt: skip
def test_a_policy_with_a_bad_list_makes_no_resource(operator, calendar, connect):
    body = {"slug": "other", "backend_kind": "broker", "broker_provider_slug": "google",
            "policy": {"connect": connect}}  # fmt: skip
    with nothing_changes():
        answer = operator.post("/admin/resources", body)
    assert answer.status_code == 400
    assert "policy.connect" in answer.json()["error_description"]
    body |= {"backend_kind": "mint", "broker_provider_slug": ""}
    made = operator.post("/admin/resources", body)
    assert (201, False) == (made.status_code, "connect" in made.json()["policy"])


def test_from_the_shell(operator, calendar):
    def run(*options):
        out = io.StringIO()
        call_command("resource_policy", "calendar", *options, "--json", stdout=out)
        return json.loads(out.getvalue())["allowed_return_urls"]

    assert run("--allow-return-url", DONE, "--allow-return-url", ANY_PORT) == [DONE, ANY_PORT]
    assert run("--forbid-return-url", DONE) == [ANY_PORT]
    with nothing_changes(), pytest.raises(CommandError):
        run("--token-lifetime", "60", "--allow-return-url", "http://a.example/")
