"""Ten hops of one user in a quarter of an hour, and what the eleventh is told."""

from __future__ import annotations

import time

import pytest

from broker.connect import limits
from broker.models import ConnectState
from broker.providers import selectors
from tests.support.connecting import make_forge, title_of
from tests.support.pages import form_with
from tests.support.upstream import make_provider, rises

pytestmark = pytest.mark.usefixtures("forge")

LIMIT_HEADERS = ("retry-after", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset")


@pytest.fixture(autouse=True)
def _two_are_many(monkeypatch):
    assert (limits.HOPS, limits.QUARTER) == (10, 900)
    monkeypatch.setattr(limits, "HOPS", 2)


@pytest.mark.shows("metric", "rate_limit_hits_total")
def test_one_hop_too_many(browser, provider):
    for _ in range(2):
        browser.leave(provider.slug)

    with rises("rate_limit_hits_total", route="connect"):
        refused = browser.get(browser.link(provider.slug))

    assert 429 == refused.status_code
    assert "Too many requests" == title_of(refused)
    retry_after, limit, remaining, reset = (int(refused.headers[name]) for name in LIMIT_HEADERS)
    assert (2, 0) == (limit, remaining)
    assert 890 <= retry_after <= 900
    assert abs(reset - time.time() - retry_after) <= 2
    assert 2 == ConnectState.objects.count()


def test_programs_are_told_in_json(browser, provider):
    for _ in range(3):
        refused = browser.get(browser.link(provider.slug), Accept="application/json")

    body = refused.json()
    assert (429, "rate_limit_exceeded") == (refused.status_code, body["error"])
    assert int(refused.headers["retry-after"]) == body["retryAfter"]
    assert body["message"]


def test_neither_another_user_nor_another_address_matters(browser, stranger, provider):
    for _ in range(3):
        refused = browser.get(browser.link(provider.slug), **{"X-Forwarded-For": "198.51.100.7"})

    assert 429 == refused.status_code
    assert stranger.leave(provider.slug)


def test_an_answer_too_many_spends_nothing(browser, provider, upstream, override_config):
    sent = browser.leave(provider.slug)
    for _ in range(2):
        browser.come_back(sent | {"state": "x" * 43})

    refused = browser.come_back(sent)

    assert 429 == refused.status_code
    assert ConnectState.objects.filter(consumed_at=None).count() == 1
    assert 0 == upstream.count("authorization_code")
    override_config(rate_limit={"enabled": False})
    assert 303 == browser.come_back(sent).status_code


def test_pasting_keys_is_limited_as_well(browser, upstream):
    keyed = make_provider(upstream)
    keyed.protocol, keyed.config_data, keyed.secret_sealed = "api_key", {"header_name": "X"}, None
    keyed.save()
    selectors.drop()
    make_forge(keyed, slug="keyed")
    page = browser.get(browser.link(keyed.slug))
    form = form_with(page.text, url=str(page.url), field_name="api_key")

    answers = [
        browser.client.post_form(form.action, form.submission(api_key="k"), page=page).status_code
        for _ in range(3)
    ]

    assert [303, 303, 429] == answers
