from __future__ import annotations

import pytest

from tests.support.openid import Visitor, register, running_openid
from tests.support.upstream import ALLOWED


@pytest.fixture
def world(override_config):
    override_config(broker=ALLOWED, rate_limit={"enabled": False})
    with running_openid() as running:
        yield running


@pytest.fixture
def acme(world, db):
    return register(world)


@pytest.fixture
def visitor(oauth, world, acme):
    return Visitor(oauth, world)
