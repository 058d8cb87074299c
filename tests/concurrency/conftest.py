"""A server for many requests at once, and processes that do one thing at the same time."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support.server import RunningServer

PLENTY = {
    "AUTHPLANE_RATE_LIMIT_ENABLED": "false",
    "AUTHPLANE_BROKER_ALLOWED_PRIVATE_HOSTS": "127.0.0.1",
    "AUTHPLANE_CIMD_REQUIRE_HTTPS": "false",
    "AUTHPLANE_CIMD_ALLOW_PRIVATE_ADDRESSES": "true",
}


@pytest.fixture
def crowd_server(server: Callable[..., RunningServer]) -> Callable[..., RunningServer]:
    """`crowd_server(AUTHPLANE_...="...")`: two processes that answer sixteen requests at once.

    No limit is in the way of the crowd, nor a rule about addresses on this host. The same for all
    races, so that one server can serve them all.
    """

    def start(**environment: str) -> RunningServer:
        return server(processes=2, threads=8, **PLENTY | environment)

    return start
