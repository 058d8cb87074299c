from __future__ import annotations

import pytest

from tests.support.connecting import Browser
from tests.support.factories import make_user, person
from tests.support.proxies import Gateway, make_proxy
from tests.support.upstream import ALLOWED, make_provider, running_upstream


@pytest.fixture
def upstream(override_config):
    override_config(broker=ALLOWED)
    with running_upstream() as world:
        yield world


@pytest.fixture
def provider(upstream, db):
    return make_provider(upstream)


@pytest.fixture
def proxy(provider):
    return make_proxy(provider)


@pytest.fixture
def user(db):
    return make_user()


@pytest.fixture
def browser(oauth, user):
    """The user's browser, signed in."""
    made = Browser(oauth, person(user))
    made.sign_in()
    return made


@pytest.fixture
def gateway(proxy, browser):
    """A registered client of the proxy, and its user's browser."""
    made = Gateway(proxy, browser)
    assert made.register().status_code == 201
    return made
