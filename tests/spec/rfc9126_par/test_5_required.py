"""Pushing can be demanded, of one client or of all."""

from __future__ import annotations

import pytest

from tests.support.digests import nothing_changes
from tests.support.pushed import authorize_pushed
from tests.support.scene import change_client

pytestmark = pytest.mark.django_db


def assert_demanded(scene):
    with nothing_changes():
        location = scene.client.start().headers["location"]
    assert "error=invalid_request" in location
    assert "push+the+authorization+request" in location or "push%20the" in location
    authorization = authorize_pushed(scene.client, scene.person)
    assert scene.client.redeem(authorization).status_code == 200


@pytest.mark.spec("RFC 9126", "6", "MUST", "a client that demands it is refused without a push")
def test_a_client_may_demand_it_of_itself(scene):
    change_client(scene.client, require_pushed_authorization_requests=True)

    assert_demanded(scene)
    assert scene.another_client().start().headers["location"].startswith("/login?")


@pytest.mark.spec("RFC 9126", "5", "MUST", "a server that demands it refuses without a push")
@pytest.mark.shows("setting", "oauth.require_pushed_authorization_requests")
def test_the_server_may_demand_it_of_all(scene, override_config):
    override_config(oauth={"require_pushed_requests": True})

    assert scene.client.metadata()["require_pushed_authorization_requests"] is True
    assert_demanded(scene)


def test_a_client_registers_it(scene):
    client = scene.client.sibling()
    answer = client.register(require_pushed_authorization_requests=True)

    assert answer.json()["require_pushed_authorization_requests"] is True
    client.resource = scene.resource.uri
    assert "error=invalid_request" in client.start().headers["location"]


@pytest.mark.parametrize("value", ["true", 1, []])
def test_a_switch_is_true_or_false(scene, value):
    answer = scene.client.sibling().register(require_pushed_authorization_requests=value)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata")
