"""What an application demands of a sign-in is demanded of the provider."""

from __future__ import annotations

import time
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.spec.federated_sign_in.test_hop import reason
from tests.support.connecting import title_of
from tests.support.openid import Visitor


@pytest.fixture
def visitor(scene, world, acme):
    """Somebody sent here by the scene's application."""
    return Visitor(scene.client, world)


@pytest.fixture
def ask(scene, visitor):
    """The parameters at the provider, and the target, of a request with these demands."""

    def ask(**demands):
        answer = scene.client.start(**demands)
        target = parse_qs(urlsplit(answer.headers["location"]).query)["redirect"][0]
        return visitor.leave(redirect=target), target

    return ask


@pytest.mark.parametrize(
    ("demands", "expected"),
    [
        ({}, {}),
        ({"login_hint": "ann@example.com"}, {"login_hint": "ann@example.com"}),
        ({"max_age": "300"}, {"max_age": "300"}),
        ({"prompt": "login"}, {"max_age": "1", "prompt": "login"}),
        ({"max_age": "0"}, {"max_age": "1", "prompt": "login"}),
        ({"prompt": "select_account"}, {"max_age": "1", "prompt": "login"}),
    ],
)
def test_what_is_handed_on(ask, demands, expected):
    sent, _ = ask(**demands)
    names = {"max_age", "prompt", "login_hint", "acr_values"}

    assert expected == {name: value for name, value in sent.items() if name in names}


def test_the_request_goes_on_where_it_waited(ask, visitor):
    sent, target = ask()
    back = visitor.come_back(sent)

    assert target == back.headers["location"]
    assert "/consent?" in visitor.get(target).headers["location"]


def test_a_new_sign_in_satisfies_the_demand(ask, visitor, world):
    """Even when the provider's clock is behind: it signed the person in for this request."""
    sent, target = ask(prompt="login")
    world.claims = {"auth_time": int(time.time()) - 5}
    visitor.come_back(sent)

    assert "/consent?" in visitor.get(target).headers["location"]


@pytest.mark.parametrize("auth_time", [None, "now", 1, 99_999_999_999])
@pytest.mark.parametrize("demands", [{"prompt": "login"}, {"max_age": "60"}])
def test_a_provider_that_does_not_see_to_it(ask, visitor, world, demands, auth_time):
    sent, _ = ask(**demands)
    world.claims = {"auth_time": auth_time}
    page = visitor.come_back(sent)

    assert (401, "You were not asked to sign in again") == (page.status_code, title_of(page))
    assert "not_signed_in_again" == reason()
    assert not visitor.is_signed_in()


def test_an_older_proof_counts_as_what_it_is(ask, scene, visitor, world):
    """The session is new and lasts, the proof is old: a later demand sees that."""
    world.claims = {"auth_time": int(time.time()) - 30 * 24 * 3600}
    sent, target = ask()
    visitor.come_back(sent)

    assert visitor.is_signed_in()
    assert "/consent?" in visitor.get(target).headers["location"]
    assert "/login?" in scene.client.start(max_age="600").headers["location"]


@pytest.mark.parametrize(
    ("claims", "level"),
    [
        ({"amr": ["pwd", "otp"]}, "strong"),
        ({"acr": "strong"}, "strong"),
        ({"amr": ["pwd"]}, "plain"),
        ({"acr": "of-their-own"}, None),
    ],
)
def test_how_somebody_signed_in_stands_in_the_token(
    scene, visitor, world, override_config, *, claims, level
):
    override_config(oauth={"acr_values": ("plain=pwd", "strong=pwd+otp")})
    at = int(time.time()) - 100
    world.claims = claims | {"auth_time": at}
    visitor.sign_in()
    found = scene.client.claims(scene.tokens()["access_token"])

    assert (at, level) == (found["auth_time"], found.get("acr"))
    assert claims.get("amr") == found.get("amr")


@pytest.mark.parametrize(
    ("claims", "is_reached"),
    [({"amr": ["pwd", "otp"]}, True), ({"acr": "strong"}, True), ({}, False)],
)
def test_a_level_that_only_a_provider_reaches(
    ask, visitor, world, override_config, *, claims, is_reached
):
    override_config(oauth={"acr_values": ("plain=pwd", "strong=pwd+otp")})
    sent, target = ask(acr_values="strong")
    assert ("strong", "1") == (sent["acr_values"], sent["max_age"])
    world.claims = claims
    assert 303 == visitor.come_back(sent).status_code
    there = visitor.get(target).headers["location"]

    assert is_reached == ("/consent?" in there)
    assert is_reached != ("error=unmet_authentication_requirements" in there)
