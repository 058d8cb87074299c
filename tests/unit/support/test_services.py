"""Which database and Redis the suite uses."""

from __future__ import annotations

import pytest

from tests.support import services


@pytest.fixture
def environment(monkeypatch):
    for name in ("DATABASE_URL", "REDIS_URL", "AUTHPLANE_TEST_REDIS", "AUTHPLANE_TEST_PLAIN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    monkeypatch.setattr(services, "_answers", lambda url: True)
    return monkeypatch


def chosen():
    services.choose_services()
    return {name: services.os.environ.get(name) for name in ("DATABASE_URL", "REDIS_URL")}


def test_what_answers_on_this_host_is_used(environment):
    assert chosen() == {
        "DATABASE_URL": services.LOCAL_DATABASE,
        "REDIS_URL": "redis://127.0.0.1:6379/15",
    }


def test_what_is_given_wins(environment):
    environment.setenv("DATABASE_URL", "postgres://elsewhere/mine")
    environment.setenv("REDIS_URL", "redis://elsewhere:1/4")

    assert chosen() == {
        "DATABASE_URL": "postgres://elsewhere/mine",
        "REDIS_URL": "redis://elsewhere:1/4",
    }


def test_plain_means_plain_whatever_answers(environment):
    environment.setenv("AUTHPLANE_TEST_PLAIN", "1")
    environment.setenv("DATABASE_URL", "postgres://elsewhere/mine")

    assert chosen() == {"DATABASE_URL": None, "REDIS_URL": None}


def test_nothing_is_used_where_nothing_answers(environment):
    environment.setattr(services, "_answers", lambda url: False)

    assert chosen() == {"DATABASE_URL": None, "REDIS_URL": None}


def test_parallel_workers_never_share_a_redis_database(environment):
    environment.setenv("PYTEST_XDIST_WORKER", "gw1")

    assert chosen()["REDIS_URL"] == "redis://127.0.0.1:6379/14"
    assert chosen()["REDIS_URL"] == "redis://127.0.0.1:6379/14", "choosing twice changes nothing"


def test_the_database_of_everyday_use_is_never_emptied():
    assert services.own_redis_database("redis://host:1/0", worker=0).endswith("/15")
    assert services.own_redis_database("redis://host:1", worker=1).endswith("/14")
