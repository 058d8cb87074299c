"""One answer of an identity provider many times at once, and one person twice, on PostgreSQL."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode, urlsplit

import pytest

from tests.support.oauth_client import OAuthClient
from tests.support.openid import Visitor, register, running_openid
from tests.support.storm import storm

pytestmark = [pytest.mark.server, pytest.mark.postgres]


@pytest.fixture
def world():
    with running_openid(seconds=0.05) as running:
        yield running


@pytest.fixture
def url(crowd_server, world, override_config):
    override_config(broker={"allowed_private_hosts": ("127.0.0.1",)})
    register(world)
    return crowd_server().url


def arrival(visitor, sent):
    """What a browser sends that is back from the provider."""
    path = urlsplit(sent["redirect_uri"]).path
    cookies = "; ".join(f"{n}={v}" for n, v in visitor.client.http.cookies.items())
    headers = {"Accept": "text/html", "Cookie": cookies}
    target = f"{path}?{urlencode(visitor.world.answer(sent))}"
    return lambda http: http.get(target, headers=headers)


def test_one_answer_makes_one_session(url, world):
    from audit.models import AuditEvent
    from authplane.accounts.models import User

    visitor = Visitor(OAuthClient.at(url), world)
    answers = storm(url, arrival(visitor, visitor.leave()))

    assert [303] + [400] * (len(answers) - 1) == sorted(one.status_code for one in answers)
    assert 1 == world.count("/token") == User.objects.count()
    assert 1 == AuditEvent.objects.filter(action="user.oidc_login").count()


def test_two_first_sign_ins_of_one_person_make_one_user(url, world):
    from authplane.accounts.models import User
    from broker.models import FederatedIdentity

    for number in range(1, 5):
        world.person = {
            "sub": f"person-{number}", "email": f"{number}@example.com", "email_verified": True,
        }  # fmt: skip
        visitors = [Visitor(OAuthClient.at(url), world) for _ in range(6)]
        sent = [visitor.leave() for visitor in visitors]
        with ThreadPoolExecutor(len(visitors)) as pool:
            codes = list(
                pool.map(
                    lambda pair: pair[0].come_back(pair[1]).status_code,
                    zip(visitors, sent, strict=True),
                )
            )

        assert {303} == set(codes)
        assert number == User.objects.count() == FederatedIdentity.objects.count()
