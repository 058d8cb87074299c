"""Every combination of two ways to authenticate, at every endpoint that authenticates clients."""

from __future__ import annotations

from itertools import combinations

import pytest

from tests.support.digests import nothing_changes
from tests.support.oauth_client import JWT_BEARER
from tests.support.refusals import METHODS_MIXED, assert_refused

ENDPOINTS = [
    "/oauth/token", "/oauth/introspect", "/oauth/revoke", "/token", "/introspect", "/revoke",
]  # fmt: skip
WAYS = ["basic", "post", "assertion"]


def offered(client, way):
    """Form members and header of one way to authenticate as this client."""
    match way:
        case "basic":
            return {}, {"Authorization": client.client_authentication()[1]}
        case "post":
            return {"client_id": client.client_id, "client_secret": client.client_secret}, {}
        case _:
            subject = "e30.eyJzdWIiOiJ4In0.e30"
            return {"client_assertion_type": JWT_BEARER, "client_assertion": subject}, {}


@pytest.mark.spec("RFC 6749", "2.3", "MUST", "a request uses one client authentication method")
@pytest.mark.parametrize("path", [*ENDPOINTS, "/oauth/par"])
@pytest.mark.parametrize("ways", [*combinations(WAYS, 2), tuple(WAYS)], ids="+".join)
def test_more_than_one_way_is_refused(scene, path, ways):
    form = {"grant_type": "client_credentials", "token": scene.machine_token()}
    headers = {}
    for way in ways:
        members, header = offered(scene.machine, way)
        form |= members
        headers |= header

    with nothing_changes():
        assert_refused(scene.post(path, form, headers=headers), METHODS_MIXED)


@pytest.mark.parametrize("path", ENDPOINTS)
def test_each_way_alone_is_judged_by_itself(scene, path):
    """The right credentials by the wrong way are wrong; by the right way they are right."""
    form = {"grant_type": "client_credentials", "token": scene.machine_token()}

    def status(way):
        members, header = offered(scene.machine, way)
        with nothing_changes():
            return scene.post(path, form | members, headers=header).status_code

    assert (status("post"), status("assertion")) == (401, 401)
    members, header = offered(scene.machine, "basic")
    assert scene.post(path, form | members, headers=header).status_code == 200


@pytest.mark.parametrize("path", ENDPOINTS)
def test_a_foreign_client_id_beside_good_credentials_is_refused(scene, path):
    """Or a token could be issued to one client and recorded for another."""
    form = {
        "grant_type": "client_credentials",
        "token": scene.machine_token(),
        "client_id": scene.watcher.client_id,
    }
    _, header = offered(scene.machine, "basic")

    with nothing_changes():
        assert_refused(scene.post(path, form, headers=header), METHODS_MIXED)
