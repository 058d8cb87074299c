"""Repeated, empty, unknown and broken parameters of an authorization request."""

from urllib.parse import parse_qs, urlsplit

import pytest

RULE = ("RFC 6749", "3.1", "MUST", "parameters of an authorization request are not repeated")


def answer(response):
    assert response.status_code == 303
    return parse_qs(urlsplit(response.headers["location"]).query)


@pytest.mark.spec(*RULE)
@pytest.mark.parametrize(
    "name", ["scope", "response_type", "code_challenge", "code_challenge_method", "prompt"]
)
def test_a_repeated_parameter_is_refused_at_the_client(client, name):
    path, sent, _ = client.authorization_request(scope="read", prompt="consent")

    refused = answer(client.http.get(f"{path}&{name}={sent[name]}"))

    assert refused["error"] == ["invalid_request"]
    assert refused["state"] == [sent["state"]]


@pytest.mark.spec(*RULE)
def test_a_repeated_state_is_refused_and_neither_is_returned(client):
    path, _, _ = client.authorization_request()

    refused = answer(client.http.get(f"{path}&state=other"))

    assert refused["error"] == ["invalid_request"]
    assert "state" not in refused


@pytest.mark.spec(*RULE)
@pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
def test_a_request_that_names_two_recipients_is_answered_to_none(client, name):
    path, sent, _ = client.authorization_request()

    response = client.http.get(f"{path}&{name}={sent[name]}")

    assert response.status_code == 400
    assert "location" not in response.headers


@pytest.mark.spec("RFC 6749", "3.1", "MUST", "a parameter without a value counts as omitted")
def test_an_empty_parameter_counts_as_omitted(client):
    from urllib.parse import parse_qs, urlsplit

    refused = answer(client.start(response_type=""))
    passed = client.start(prompt="", scope="", max_age="", login_hint="", dpop_jkt="")

    assert refused["error"] == ["invalid_request"]
    assert urlsplit(passed.headers["location"]).path == "/login"
    assert parse_qs(urlsplit(passed.headers["location"]).query)["redirect"]


@pytest.mark.spec("RFC 6749", "3.1", "MUST", "unrecognised parameters are ignored")
def test_an_unknown_parameter_is_ignored(client):
    assert client.start(ui_locales="de", wonder="yes").headers["location"].startswith("/login?")


@pytest.mark.parametrize("broken", ["%00", "a%0D%0AX-Injected:%201", "%FF", "%ED%A0%80"])
def test_bytes_that_are_no_text_are_refused_at_the_client(client, broken):
    path, sent, _ = client.authorization_request(scope=None)

    refused = answer(client.http.get(f"{path}&scope={broken}"))

    assert refused["error"] == ["invalid_request"]
    assert refused["state"] == [sent["state"]]


@pytest.mark.parametrize("broken", ["%00", "%0D%0AX-Injected:%201", "%FF"])
def test_a_state_that_is_no_text_is_not_returned(client, broken):
    path, _, _ = client.authorization_request(state=None)

    response = client.http.get(f"{path}&state={broken}")

    assert "x-injected" not in response.headers
    assert answer(response)["error"] == ["invalid_request"]
    assert "state" not in answer(response)


@pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
@pytest.mark.parametrize("broken", ["%00", "%FF", "%0a"])
def test_a_recipient_that_is_no_text_is_a_page(client, name, broken):
    path, _, _ = client.authorization_request(**{name: None})

    assert client.http.get(f"{path}&{name}={broken}").status_code == 400


def test_a_query_beyond_every_need_is_a_page(client):
    response = client.start(state="s" * 9000)

    assert response.status_code == 400
    assert "cannot be read" in response.text


def test_a_long_state_is_kept_whole(client, user):
    from tests.support import factories

    state = "s" * 2000

    assert client.authorize(factories.person(user), state=state).parameters["state"] == state


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD"])
def test_only_get_is_answered(client, method):
    path, _, _ = client.authorization_request()

    refused = client.http.request(method, path)

    assert refused.status_code == 405
    assert refused.headers["allow"] == "GET"
