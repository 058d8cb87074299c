"""What a hop leaves behind: nothing of it stands anywhere in clear."""

from __future__ import annotations

import json
import logging

import pytest
from django.apps import apps

from broker.connect import marks
from tests.support.connecting import OWN_PAGE


def everything_stored():
    """Every column of every row of our tables, as text."""
    found = []
    for model in apps.get_models():
        for row in model._default_manager.values():
            found += [
                bytes(value).decode("latin-1")
                if isinstance(value, bytes | memoryview)
                else str(value)
                for value in row.values()
            ]
    return "\n".join(found)


@pytest.mark.usefixtures("forge")
def test_nothing_of_a_hop_in_rows_logs_or_answers(browser, provider, upstream, caplog, capsys):
    with caplog.at_level(logging.DEBUG):
        sent = browser.leave(provider.slug)
        back = browser.come_back(sent, code="the-code-of-the-service")
        again = browser.come_back(sent, code="the-code-of-the-service")
        listed = browser.client.http.get("/connections")
    verifier = upstream.asked[-1]["form"]["code_verifier"]
    told = capsys.readouterr()
    places = (
        everything_stored() + caplog.text + told.out + told.err
        + back.text + again.text + listed.text + json.dumps(dict(back.headers))
    )  # fmt: skip

    assert OWN_PAGE == back.headers["location"]
    for secret in (sent["state"], verifier, "the-code-of-the-service", *upstream.given):
        assert secret not in places


def test_the_cookie_is_bound_to_the_host_where_there_is_tls(override_config):
    assert "authserver_connect" == marks.cookie_name()
    override_config(session={"secure": True})
    assert "__Host-authserver_connect" == marks.cookie_name()
