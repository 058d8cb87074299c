"""Which return URLs a link may name, by the list of its resource and by the list for all."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from broker.models import ConnectState
from oauth.resources import return_urls, selectors
from tests.support.connecting import OWN_PAGE, make_forge
from tests.support.digests import nothing_changes

pytestmark = pytest.mark.django_db
ANY_PORT, DONE = "http://localhost:*", "https://app.example.com/done"
TABLE = [
    (OWN_PAGE, "", True),
    (f"{OWN_PAGE}/", "", False),
    (f"{OWN_PAGE}?x=1", "", False),
    ("http://localhost:5173", ANY_PORT, True),
    ("http://localhost:5173/cb?x=1", ANY_PORT, True),
    ("http://localhost:5173?x=1", ANY_PORT, False),
    ("http://localhost/cb", ANY_PORT, False),
    ("http://localhost:80@evil.example/", ANY_PORT, False),
    ("https://localhost:5173", ANY_PORT, False),
    (DONE, DONE, True),
    (f"{DONE}/", DONE, False),
    ("https://APP.example.com/done", DONE, False),
    (DONE, "", False),
    ("//evil.example", DONE, False),
]


@pytest.mark.spec("Broker", "13.1", "MUST", "return URLs are matched as listed")
@pytest.mark.parametrize("listed_by", ["resource", "server"])
@pytest.mark.parametrize(("url", "entry", "is_allowed"), TABLE)
def test_table(request, listed_by, url, entry, is_allowed):
    browser, forge = request.getfixturevalue("browser"), request.getfixturevalue("forge")
    if entry and listed_by == "resource":
        return_urls.add_url("forge", url=entry)
        selectors.drop()
    elif entry:
        request.getfixturevalue("override_config")(connect={"allowed_return_urls": (entry,)})
    slug = _slug_of(forge)
    asked = f"/connect/{slug}?{urlencode({'resource': 'forge', 'return_url': url})}"
    if is_allowed:
        assert browser.get(asked).status_code == 303
        assert ConnectState.objects.get().return_url == url
        return
    with nothing_changes():
        answer = browser.get(asked, Accept="application/json")
    assert (400, "invalid_request") == (answer.status_code, answer.json()["error"])


def test_the_list_of_one_resource_is_not_that_of_another(browser, provider, forge):
    make_forge(provider, slug="forge-2")
    return_urls.add_url("forge", url=DONE)
    selectors.drop()
    there = urlencode({"resource": "forge", "return_url": DONE})
    assert browser.get(f"/connect/{provider.slug}?{there}").status_code == 303
    other = urlencode({"resource": "forge-2", "return_url": DONE})
    assert browser.get(f"/connect/{provider.slug}?{other}").status_code == 400


def _slug_of(forge):
    from broker.models import BrokerProvider

    return BrokerProvider.objects.get(pk=forge.broker_provider).slug
