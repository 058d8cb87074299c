"""From the refused exchange over the browser to the token, and back again."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from tests.support.connecting import Browser, make_forge
from tests.support.upstream import ALLOWED, make_provider, running_upstream


@pytest.fixture
def upstream(override_config):
    override_config(broker=ALLOWED)
    with running_upstream() as world:
        yield world


@pytest.fixture
def linked(delegation, upstream):
    from oauth.models import FrontingLink
    from oauth.resources import fronting

    forge = make_forge(make_provider(upstream))
    FrontingLink.objects.create(
        source=delegation.front,
        target=forge,
        scope_map={"read": ["read"], "write": ["read", "write"]},
    )
    fronting.drop()
    return delegation


@pytest.mark.spec("Plugged.in", "P22", "MUST", "after disconnecting nothing is vended")
def test_connect_vend_disconnect(linked, upstream):
    subject = linked.subject_token()

    def exchange():
        return linked.gateway.exchange(subject, resource="forge", scope="read")

    refused = exchange()
    assert (400, "consent_required", "consent_missing") == (
        refused.status_code, refused.json()["error"], refused.json()["cause"],
    )  # fmt: skip
    browser = Browser(linked.agent, linked.scene.person)
    url = urlsplit(refused.json()["consent_url"])
    left = browser.get(f"{url.path}?{url.query}")
    assert left.headers["location"].startswith(f"{upstream.url}/authorize?"), left.text
    from urllib.parse import parse_qsl

    sent = dict(parse_qsl(urlsplit(left.headers["location"]).query))
    back = browser.come_back(sent)
    assert "http://localhost:9000/connections" == back.headers["location"]

    vended = exchange()
    assert vended.status_code == 200, vended.text
    assert vended.json()["access_token"] in upstream.given
    (one,) = browser.client.http.get("/connections").json()

    headers = {"Content-Type": "application/json", "Sec-Fetch-Site": "same-origin"}
    path = f"/connections/{one['provider']}"
    assert 204 == browser.client.http.request("DELETE", path, headers=headers).status_code
    assert "consent_required" == exchange().json()["error"]
