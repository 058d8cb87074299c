"""Connections: what storing a credential keeps, and what ending one leaves."""

from __future__ import annotations

import pytest

from audit.models import AuditEvent
from authplane.core import clock
from broker.connections import credentials
from broker.connections.services import revoke, store_credential, store_secret
from broker.models import Connection
from broker.upstream.base import TokenAnswer
from tests.support.factories import make_user
from tests.support.upstream import ALLOWED, make_connection, make_provider, running_upstream

pytestmark = pytest.mark.django_db


@pytest.fixture
def upstream(override_config):
    override_config(broker=ALLOWED)
    with running_upstream() as world:
        yield world


@pytest.fixture
def provider(upstream):
    return make_provider(upstream)


@pytest.fixture
def user():
    return make_user()


def stored(user, provider, *, requested=("read",), **members):
    members.setdefault("access_token", "at")
    return store_credential(
        user_id=user.pk, provider_id=provider.pk, answer=TokenAnswer(**members),
        requested=requested, now=clock.now(),
    )  # fmt: skip


@pytest.mark.shows("audit event", "broker_grant.created")
def test_a_credential_is_stored_with_its_record(user, provider):
    row = stored(user, provider, refresh_token="rt", expires_in=60)

    again = Connection.objects.get()
    assert credentials.credential_of(again) == {"refresh_token": "rt"}
    # It can be refreshed, so the access token is not kept.
    assert again.access_sealed is None
    event = AuditEvent.objects.get(action="broker_grant.created")
    assert event.detail == {"provider": provider.slug, "grant_id": str(row.pk), "version": 1}


def test_no_column_holds_a_token_in_clear(user, provider):
    row = stored(user, provider, access_token="clear-at", refresh_token=None)

    for column in ("credential_sealed", "access_sealed"):
        assert b"clear" not in bytes(getattr(row, column) or b"")
    assert credentials.access_of(row) == "clear-at"


def test_scopes_that_are_not_told_are_those_asked_for(user, provider):
    assert stored(user, provider, requested=("a", "b")).scopes_granted == ["a", "b"]


def test_connecting_again_adds_scopes_and_keeps_the_refresh_token(user, provider):
    first = stored(user, provider, refresh_token="rt", expires_in=60, scopes=("a",))
    second = stored(user, provider, expires_in=60, scopes=("b",))

    assert (first.pk, 2, ["a", "b"]) == (second.pk, second.version, second.scopes_granted)
    assert credentials.credential_of(second) == {"refresh_token": "rt"}


def test_another_account_takes_nothing_over(user, provider):
    stored(user, provider, refresh_token="rt", expires_in=60, scopes=("a",), account="one")
    row = stored(user, provider, expires_in=60, scopes=("b",), account="two")

    assert row.scopes_granted == ["b"]
    assert credentials.credential_of(row) == {}
    assert credentials.access_of(row) == "at"


def test_an_ended_connection_takes_nothing_over(user, provider):
    row = stored(user, provider, refresh_token="rt", scopes=("a",))
    revoke(row.pk, reason="user", now=clock.now())
    row = stored(user, provider, scopes=("b",))

    assert (["b"], "active", None) == (row.scopes_granted, row.status, row.revoked_at)
    assert row.credential_sealed is None


@pytest.mark.shows("audit event", "broker_grant.revoked")
def test_ending_is_local_first_and_then_told(
    user, provider, upstream, django_capture_on_commit_callbacks
):
    row = make_connection(provider, user)
    with django_capture_on_commit_callbacks(execute=True):
        assert revoke(row.pk, reason="user", now=clock.now())
        assert upstream.revoked == []
        ended = Connection.objects.get()

    assert ("revoked", None, None) == (ended.status, ended.credential_sealed, ended.access_sealed)
    assert upstream.revoked == ["rt-0"]
    assert AuditEvent.objects.get(action="broker_grant.revoked").detail["reason"] == "user"
    assert not revoke(row.pk, reason="user", now=clock.now())


def test_ending_does_not_need_the_service(user, provider, django_capture_on_commit_callbacks):
    provider.config_data |= {"revoke_url": "http://127.0.0.1:1/revoke"}
    provider.save()
    row = make_connection(provider, user)

    with django_capture_on_commit_callbacks(execute=True):
        assert revoke(row.pk, reason="user", now=clock.now())

    assert Connection.objects.get().status == "revoked"


def test_ending_does_not_need_the_data_key(user, provider, override_config):
    row = make_connection(provider, user)
    override_config(secrets={"data": "ab" * 32, "data_old": ""})

    assert revoke(row.pk, reason="user", now=clock.now())


def test_a_pasted_key_replaces_what_was_there(user, provider):
    stored(user, provider, refresh_token="rt")
    row = store_secret(
        user_id=user.pk, provider_id=provider.pk, members={"api_key": "k"}, now=clock.now()
    )

    assert credentials.credential_of(row) == {"api_key": "k"}
    assert row.scopes_granted == []


def test_a_sealed_token_does_not_open_in_another_row(user, provider):
    from authplane.core.crypto import CryptoError

    one = stored(user, provider)
    other = stored(make_user(), provider)
    other.access_sealed = one.access_sealed

    with pytest.raises(CryptoError):
        credentials.access_of(other)
