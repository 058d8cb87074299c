from __future__ import annotations

import pytest

from tests.support.exchanging import make_delegation
from tests.support.factories import make_user
from tests.support.remote import running_remote
from tests.support.servers import make_server
from tests.support.upstream import ALLOWED


@pytest.fixture
def remote(override_config, db):
    override_config(broker=ALLOWED)
    with running_remote() as world:
        yield world


@pytest.fixture
def user(db):
    return make_user()


@pytest.fixture
def server(remote, user):
    return make_server(user, remote.mcp)


@pytest.fixture
def delegation(scene):
    """An agent's user token for one resource, and a gateway that exchanges it."""
    return make_delegation(scene)
