"""Fixtures and rules of the whole suite: no network, one clock, one key, exact budgets."""

from __future__ import annotations

import contextlib
import gc
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine

from tests.support import node, sdk
from tests.support.sockets import loopback_only

pytest_plugins = [
    "tests.support.compliance",
    "tests.support.scene",
    "tests.support.server",
    "tests.support.real_upstreams",
]

SOMEWHEN = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of a service that is not there are skipped with the name of that service."""
    on_postgres = "postgres" in os.environ.get("DATABASE_URL", "")
    with_redis = bool(os.environ.get("REDIS_URL"))
    for item in items:
        if item.get_closest_marker("postgres") and not on_postgres:
            item.add_marker(pytest.mark.skip(reason="needs PostgreSQL: set DATABASE_URL"))
        if item.get_closest_marker("redis") and not with_redis:
            item.add_marker(pytest.mark.skip(reason="needs Redis: set REDIS_URL"))
        if item.get_closest_marker("sdk") and not sdk.is_installed():
            item.add_marker(pytest.mark.skip(reason="needs tests/sdk installed: make test"))
        if item.get_closest_marker("node") and not node.is_installed():
            item.add_marker(pytest.mark.skip(reason="needs Node 22 and tests/node: make test"))


def pytest_collection_finish() -> None:
    """What was collected stays until the end: looking through ten thousand tests for garbage, again
    and again, takes longer than many of them.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """A complete run skips nothing: what is missing there is a fault of its set-up."""
    report = yield
    if report.skipped and os.environ.get("AUTHPLANE_TEST_COMPLETE") == "1":
        report.outcome = "failed"
        report.longrepr = f"skipped in a complete run: {report.longrepr}"
    return report


@pytest.fixture(scope="session", autouse=True)
def _stay_on_this_host() -> Iterator[None]:
    with loopback_only():
        yield


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """Tests empty their tables, which the record's protection forbids; its own put it back.

    Nor does it come back with a `migrate` within a test.
    """
    from django.apps import apps
    from django.db.models.signals import post_migrate

    from audit import protection
    from tests.support import emptying

    with django_db_blocker.unblock():
        assert protection.is_installed(), "migrate protects the record"
        protection.remove()
    post_migrate.disconnect(protection.after_migration, sender=apps.get_app_config("audit"))
    emptying.install()


@pytest.fixture(autouse=True)
def _close_connections() -> Iterator[None]:
    from tests.support.oauth_client import close_all

    yield
    close_all()


@pytest.fixture
def frozen_clock() -> Iterator[time_machine.Traveller]:
    """Time stands still at a fixed moment; `.shift(seconds)` and `.move_to(moment)` move it."""
    with time_machine.travel(SOMEWHEN, tick=False) as traveller:
        yield traveller


@pytest.fixture
def query_budget() -> Callable[[int], Any]:
    """`with query_budget(n):` exactly n statements, or the test fails and prints them."""
    from tests.support.queries import query_budget

    return query_budget


@pytest.fixture
def override_config() -> Iterator[Callable[..., Any]]:
    """`override_config(tokens={"access_ttl": 5})` holds until the test ends."""
    from authplane.core import config

    with contextlib.ExitStack() as until_the_end:
        yield lambda **areas: until_the_end.enter_context(config.override_config(**areas))


@pytest.fixture(autouse=True)
def _empty_shared_state() -> None:
    """Counters, one-time values and caches of another test are gone."""
    from tests.support.shared_state import empty_shared_state

    empty_shared_state()


@pytest.fixture(autouse=True)
def _configured_budgets(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits are the configured ones; the database is asked by tests with `live_budgets` only.

    It is asked every five seconds, whatever the request: statements would be counted now and then.
    """
    from authplane.core import budgets

    if "live_budgets" not in request.fixturenames:
        monkeypatch.setattr(budgets._chosen, "load", lambda _: {})


@pytest.fixture
def live_budgets() -> None:
    """Limits that operators choose while the test runs count."""


@pytest.fixture
def oauth(db: None) -> Iterator[Any]:
    """A client of the application in this process, without registration yet."""
    from authplane.core.config import config
    from oauth.keys.rotation import ensure_first_key
    from tests.support.oauth_client import OAuthClient

    ensure_first_key()
    client = OAuthClient.in_process(issuer=config().server.issuer)
    with client.http:
        yield client
