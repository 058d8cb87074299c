"""RFC 9470: how a person signed in travels from the sign-in page to the resource server."""

from __future__ import annotations

import time
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from oauth.sessions import context, sign_in
from oauth.sessions.services import METHODS
from tests.support import factories
from tests.support.digests import nothing_changes
from tests.support.exchanging import make_delegation
from tests.support.pushed import pushed as reference_of

PASSWORD, STRONG = "urn:authplane:acr:password", "urn:example:strong"
BOTH = (f"{PASSWORD}=pwd", f"{STRONG}=pwd+otp")
HTTPS = "https://app.example.com/callback"
LEVELS = ("RFC 9470", "5", "SHOULD", "requested levels of sign-in are met or the request fails")
CARRIED = ("RFC 9470", "6.1", "MUST", "tokens carry when and how the user signed in")
INTROSPECTED = ("RFC 9470", "6.2", "MUST", "introspection says when and how the user signed in")


@pytest.fixture
def client(oauth):
    resource = factories.make_resource()
    row = factories.make_client(redirect_uris=HTTPS)
    return factories.driver_for(row, base=oauth, resource=resource.uri, redirect_uri=HTTPS)


@pytest.fixture
def person(db):
    return factories.person(factories.make_user())


def goes_to(response):
    return urlsplit(response.headers["location"]).path


def error(response):
    return parse_qs(urlsplit(response.headers["location"]).query)["error"][0]


def sign_in_of(claims):
    return {name: claims[name] for name in ("auth_time", "acr", "amr") if name in claims}


@pytest.mark.spec(*CARRIED)
@pytest.mark.spec("RFC 9068", "2.2.1", "MUST", "auth_time is that of the sign-in, in every token")
def test_code_and_refresh_carry_the_sign_in(client, person, frozen_clock):
    client.sign_in(person)
    signed_in_at = int(time.time())
    frozen_clock.shift(120)
    first = client.tokens(person)
    expected = {"auth_time": signed_in_at, "acr": PASSWORD, "amr": ["pwd"]}

    assert sign_in_of(client.claims(first["access_token"])) == expected
    frozen_clock.shift(400)
    second = client.refresh(first["refresh_token"]).json()
    frozen_clock.shift(400)
    third = client.refresh(second["refresh_token"]).json()

    assert sign_in_of(client.claims(third["access_token"])) == expected


@pytest.mark.spec(*INTROSPECTED)
def test_introspection_tells_the_same(scene):
    token = scene.tokens()["access_token"]

    told = scene.watcher.introspect(token).json()

    assert sign_in_of(told) == sign_in_of(scene.client.claims(token))
    assert told["acr"] == PASSWORD


def test_a_machine_has_not_signed_in(scene):
    assert sign_in_of(scene.machine.claims(scene.machine_token())) == {}


@pytest.mark.spec(*LEVELS)
@pytest.mark.parametrize("wanted", [PASSWORD, f"urn:unknown {PASSWORD}", f"{STRONG} {PASSWORD}"])
def test_a_level_that_is_reached_goes_on(client, person, wanted):
    tokens = client.tokens(person, acr_values=wanted)

    assert client.claims(tokens["access_token"])["acr"] == PASSWORD


@pytest.fixture
def _two_levels(override_config):
    override_config(oauth={"acr_values": BOTH})


@pytest.mark.usefixtures("_two_levels")
@pytest.mark.spec(*LEVELS)
@pytest.mark.parametrize("wanted", ["urn:unknown", STRONG, f"{STRONG} urn:unknown"])
@pytest.mark.parametrize("prompt", [None, "none", "login"])
@pytest.mark.parametrize("is_signed_in", [True, False])
def test_a_level_beyond_this_server_is_refused_at_once(
    client, person, wanted, prompt, is_signed_in
):
    if is_signed_in:
        client.sign_in(person)

    with nothing_changes():
        answer = client.start(acr_values=wanted, prompt=prompt)

    assert answer.headers["location"].startswith(HTTPS)
    assert error(answer) == "unmet_authentication_requirements"


@pytest.fixture
def with_second_factor(monkeypatch, override_config):
    """Sign-in here could ask for a one-time password; `signs(...)` says what the next one shows."""
    override_config(oauth={"acr_values": BOTH})
    monkeypatch.setattr(context, "AVAILABLE", frozenset({"pwd", "otp"}))

    begin = sign_in.begin_session

    def signs(*methods):
        monkeypatch.setattr(
            sign_in,
            "begin_session",
            lambda request, *, user, **_: begin(request, user=user, methods=methods),
        )

    return signs


@pytest.mark.spec(*LEVELS)
def test_a_stronger_sign_in_is_asked_for_and_then_counts(client, person, with_second_factor):
    weak = client.tokens(person)
    assert client.claims(weak["access_token"])["acr"] == PASSWORD
    with_second_factor("pwd", "otp")

    login = client.start(acr_values=STRONG)
    assert goes_to(login) == "/login"
    page = client.http.get(login.headers["location"])
    back = client.submit_sign_in(page, person)
    assert "code=" in client.http.get(back.headers["location"]).headers["location"]

    claims = client.claims(client.tokens(person, acr_values=STRONG)["access_token"])
    assert (claims["acr"], claims["amr"]) == (STRONG, ["pwd", "otp"])
    lower = client.claims(client.tokens(person, acr_values=PASSWORD)["access_token"])
    assert lower["acr"] == PASSWORD
    highest = client.claims(client.tokens(person)["access_token"])
    assert highest["acr"] == STRONG


@pytest.mark.spec(*LEVELS)
def test_a_sign_in_that_stays_too_weak_does_not_loop(client, person, with_second_factor):
    client.sign_in(person)
    login = client.start(acr_values=STRONG)
    page = client.http.get(login.headers["location"])
    back = client.submit_sign_in(page, person)

    answer = client.http.get(back.headers["location"])

    assert error(answer) == "unmet_authentication_requirements"


@pytest.mark.spec(*LEVELS)
def test_asking_for_more_without_a_page_is_login_required(client, person, with_second_factor):
    client.tokens(person)

    assert error(client.start(acr_values=STRONG, prompt="none")) == "login_required"


def test_a_session_from_before_methods_were_kept_signs_in_again(client, person, monkeypatch):
    client.tokens(person)
    monkeypatch.setattr("oauth.sessions.services.METHODS", f"not-{METHODS}")

    assert goes_to(client.start(acr_values=PASSWORD)) == "/login"


def test_too_many_levels_are_refused(client):
    wanted = " ".join(f"urn:level:{number}" for number in range(21))

    assert error(client.start(acr_values=wanted)) == "invalid_request"


@pytest.mark.spec("RFC 9470", "7", "RECOMMENDED", "metadata lists the levels that can be reached")
@pytest.mark.shows("setting", "sign_in.acr_values")
def test_metadata_lists_what_can_be_reached_and_nothing_else(oauth, override_config):
    assert oauth.metadata()["acr_values_supported"] == [PASSWORD]

    override_config(oauth={"acr_values": ("bronze=pwd", "gold=pwd+hwk")})
    assert oauth.metadata()["acr_values_supported"] == ["bronze"]

    override_config(oauth={"acr_values": ("gold=hwk",)})
    assert "acr_values_supported" not in oauth.metadata()


@pytest.mark.spec(*CARRIED)
def test_an_exchanged_token_keeps_the_sign_in_of_its_subject(scene, frozen_clock):
    delegation = make_delegation(scene)
    delegation.consent("read")
    subject = delegation.subject_token()
    frozen_clock.shift(300)

    exchanged = delegation.exchanged(subject, scope="read")["access_token"]

    claims = delegation.claims(exchanged)
    assert claims["iat"] - claims["auth_time"] >= 300
    assert sign_in_of(claims) == sign_in_of(delegation.claims(subject))


@pytest.mark.spec(*LEVELS)
def test_pushed_requests_are_held_to_it_as_well(client):
    reference = reference_of(client, acr_values="urn:unknown")
    query = urlencode({"client_id": client.client_id, "request_uri": reference})

    answer = client.http.get(f"/oauth/authorize?{query}", headers={"Accept": "text/html"})

    assert error(answer) == "unmet_authentication_requirements"
