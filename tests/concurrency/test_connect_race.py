"""One answer of an upstream service, delivered many times at once, on PostgreSQL."""

from __future__ import annotations

import itertools
from urllib.parse import urlencode, urlsplit

import pytest

from tests.support.connecting import Browser, make_forge
from tests.support.factories import make_user, person
from tests.support.oauth_client import OAuthClient
from tests.support.storm import storm
from tests.support.upstream import make_provider, running_upstream

pytestmark = [pytest.mark.server, pytest.mark.postgres]

ROUNDS = 4


@pytest.fixture
def upstream():
    with running_upstream(seconds=0.05) as world:
        yield world


def arrival(path, headers):
    return lambda http: http.get(path, headers=headers)


@pytest.mark.spec("Negative tests", "D8.1", "MUST", "parallel answers with one state: one exchange")
def test_one_answer_is_used_once(crowd_server, upstream):
    from audit.models import AuditEvent
    from broker.models import Connection

    provider = make_provider(upstream)
    make_forge(provider)
    user = make_user()
    url = crowd_server().url
    driver = OAuthClient.at(url)
    browser = Browser(driver, person(user))
    browser.sign_in()
    cookies = lambda: "; ".join(f"{n}={v}" for n, v in driver.http.cookies.items())  # noqa: E731

    for done in range(1, ROUNDS + 1):
        AuditEvent.objects.filter(action="broker_connect.state_refused").delete()
        sent = browser.leave(provider.slug, return_url=f"{url}/connections")
        query = urlencode({"state": sent["state"], "code": "c"})
        path = f"{urlsplit(sent['redirect_uri']).path}?{query}"
        headers = {"Accept": "text/html", "Cookie": cookies()}

        answers = storm(url, arrival(path, headers))

        assert [303] + [400] * (len(answers) - 1) == sorted(one.status_code for one in answers)
        assert done == upstream.count("authorization_code")
        assert done == Connection.objects.get().version
        reused = AuditEvent.objects.filter(action="broker_connect.state_refused")
        assert len(answers) - 1 == reused.count()


@pytest.mark.spec(
    "Negative tests", "D8.14", "MUST", "limits hold against many at once and made-up addresses"
)
def test_ten_hops_and_no_more(crowd_server, upstream):
    """Two processes, one count in the database: whatever address each request claims to be of."""
    from broker.models import ConnectState

    provider = make_provider(upstream)
    make_forge(provider)
    url = crowd_server(AUTHPLANE_RATE_LIMIT_ENABLED="true", REDIS_URL="").url
    driver = OAuthClient.at(url)
    browser = Browser(driver, person(make_user()))
    browser.sign_in()
    cookies = "; ".join(f"{name}={value}" for name, value in driver.http.cookies.items())
    link = browser.link(provider.slug, return_url=f"{url}/connections")
    number = itertools.count(1)

    def leave(http):
        forged = {"X-Forwarded-For": f"198.51.100.{next(number)}", "X-Real-IP": "192.0.2.1"}
        return http.get(link, headers={"Accept": "application/json", "Cookie": cookies} | forged)

    answers = storm(url, leave, count=20)

    codes = sorted(one.status_code for one in answers)
    assert [303] * 10 + [429] * 10 == codes
    assert 10 == ConnectState.objects.count()
    refused = next(one for one in answers if one.status_code == 429)
    assert refused.json()["error"] == "rate_limit_exceeded"
    assert 0 < int(refused.headers["Retry-After"]) <= 900
