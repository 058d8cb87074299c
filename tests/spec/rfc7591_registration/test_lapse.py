"""A registered client that nobody used for a month is not known any more."""

from __future__ import annotations

import pytest

from authplane.core import clock
from oauth.registration.lapse import lapse_unused
from tests.support.scene import forget_clients


@pytest.mark.django_db
@pytest.mark.spec("Plugged.in", "P24", "MUST", "a registered client lapses after thirty days")
def test_an_unused_client_lapses(oauth, frozen_clock):
    told = oauth.http.post(
        "/oauth/register",
        json={
            "client_name": "Desk",
            "redirect_uris": [oauth.redirect_uri],
            "token_endpoint_auth_method": "none",
        },
    )
    assert told.status_code == 201, told.text
    client = oauth.sibling(client_id=told.json()["client_id"])
    form = {"grant_type": "refresh_token", "refresh_token": "x", "client_id": client.client_id}
    frozen_clock.shift(29 * 86_400)
    assert lapse_unused(clock.now()) == 0
    assert client.http.post("/oauth/token", data=form).json()["error"] == "invalid_grant"
    frozen_clock.shift(2 * 86_400)
    assert lapse_unused(clock.now()) == 1
    forget_clients()

    answer = client.http.post("/oauth/token", data=form)

    assert (401, "invalid_client") == (answer.status_code, answer.json()["error"])
    assert client.start().status_code == 400
