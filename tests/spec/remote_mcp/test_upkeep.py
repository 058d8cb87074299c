"""Connections to remote MCP servers are refreshed and ended, and survive that a server moves."""

from __future__ import annotations

from datetime import timedelta

import pytest

from authplane.core import clock
from broker.connections.services import revoke, store_credential
from broker.models import Connection, UpstreamConfig
from broker.refresh.engine import ensure_fresh
from broker.refresh.outcomes import ReconnectNeeded, UpstreamAway
from broker.remote.configuration import configured
from broker.upstream.base import TokenAnswer

pytestmark = pytest.mark.django_db


@pytest.fixture
def connection(server, user):
    configured(server, now=clock.now())
    return store_credential(
        user_id=user.pk,
        server_id=server.pk,
        answer=TokenAnswer(access_token="at-0", refresh_token="rt-0", expires_in=3600),
        requested=("read",),
        now=clock.now(),
    )


def fresh(connection) -> str:
    """The token that is given out when the kept one has ended."""
    Connection.objects.update(access_expires_at=clock.now() - timedelta(seconds=1))
    return ensure_fresh(connection.pk, margin=60, now=clock.now()).value


def test_the_kept_token_first_and_then_a_new_one(connection, remote):
    assert ensure_fresh(connection.pk, margin=60, now=clock.now()).value == "at-0"
    assert fresh(connection) in remote.given
    asked = remote.asked[-1]
    assert asked["headers"]["authorization"].startswith("Basic ")
    assert "client_secret" not in asked["form"]
    assert asked["form"]["resource"] == remote.mcp


def test_ending_it_tells_the_authorization_server(
    connection, remote, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        assert revoke(connection.pk, reason="user", now=clock.now())
    assert remote.revoked == ["rt-0", "at-0"]


def test_a_token_endpoint_that_moved_is_found_at_once(connection, remote):
    remote.server_overrides = {"token_endpoint": f"{remote.url}/token2"}
    remote.publish()
    remote.failures, remote.error = [404], "not_found"
    assert fresh(connection) in remote.given
    assert UpstreamConfig.objects.get().token_endpoint.endswith("/token2")
    assert remote.count("refresh_token") == 2


def test_asked_anew_once_in_five_minutes(connection, remote):
    remote.failures, remote.error = [404] * 5, "not_found"
    with pytest.raises(UpstreamAway):
        fresh(connection)
    asked = len(remote.fetched)
    with pytest.raises(UpstreamAway):
        fresh(connection)
    assert len(remote.fetched) == asked
    assert remote.count("refresh_token") == 2
    connection.refresh_from_db()
    assert (connection.status, connection.refresh_used_at) == ("active", None)


def test_a_client_that_it_forgot_ends_the_connection(connection, remote):
    remote.failures, remote.error = [401], "invalid_client"
    with pytest.raises(ReconnectNeeded):
        fresh(connection)
    connection.refresh_from_db()
    assert (connection.status, connection.credential_sealed) == ("reauth_required", None)
    assert UpstreamConfig.objects.get().client_id == ""


def test_a_refresh_token_is_not_shown_to_another_issuer(connection, remote, server):
    remote.tenant = "/collector"
    remote.publish()
    remote.failures, remote.error = [404], "not_found"
    with pytest.raises(ReconnectNeeded):
        fresh(connection)
    assert remote.count("refresh_token") == 1
    row = Connection.objects.get()
    assert (row.status, row.credential_sealed, row.access_sealed) == ("reauth_required", None, None)
