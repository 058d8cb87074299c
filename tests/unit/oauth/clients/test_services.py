"""What operators do to clients: each change whole, recorded, and refused when it does not fit."""

from __future__ import annotations

from datetime import timedelta

import pytest

from audit.models import AuditEvent
from authplane.core import clock
from authplane.core.ids import uuid7
from oauth.clients import services
from oauth.clients.errors import (
    ClientChanged,
    ClientHasNoSecret,
    ClientInUse,
    ClientInWrongState,
    ClientUnknown,
)
from oauth.clients.secrets import verify_secret
from oauth.models import AccessToken, Client, ConsentGrant, RefreshToken, TokenFamily
from oauth.registration.schema import BadMetadata
from tests.support.factories import (
    make_client,
    make_confidential_client,
    make_resource,
    make_user,
)

pytestmark = pytest.mark.django_db

GOOD = {"client_name": "Console", "redirect_uris": ["https://app.example/cb"]}


def last_event():
    return AuditEvent.objects.order_by("-id").first()


def make_family(client, **fields):
    now = clock.now()
    family = TokenFamily.objects.create(
        client=client, user=make_user(), resource="https://r", auth_time=now,
        expires_at=now + timedelta(days=90), **fields,
    )  # fmt: skip
    RefreshToken.objects.create(
        family=family, token_checksum=str(uuid7()), jti=uuid7(), expires=now + timedelta(days=7)
    )
    return family


def make_token(client, **fields):
    now = clock.now()
    values = {"created": now, "expires": now + timedelta(hours=1)} | fields
    return AccessToken.objects.create(
        application=client, kind="client_credentials", subject="s", resource="https://r", **values
    )


@pytest.mark.shows("audit event", "client.created_admin")
def test_an_operator_makes_a_client_and_reads_its_secret_once():
    created = services.create_client(
        GOOD | {"token_endpoint_auth_method": "client_secret_basic", "scope": "read write"}
    )

    row = Client.objects.get()
    assert verify_secret(created.secret, client=row, now=clock.now())
    assert created.secret not in row.client_secret
    assert (row.registration_source, row.scope, row.registration_token) == (
        "admin",
        "read write",
        "",
    )
    assert last_event().action == "client.created_admin"
    assert last_event().actor_id == "admin"


def test_a_public_client_has_no_secret():
    assert services.create_client(GOOD).secret is None


def test_operators_may_use_private_schemes_but_no_dangerous_ones():
    uris = ["com.example.app:/cb", "myapp://cb"]
    assert services.create_client(GOOD | {"redirect_uris": uris}).client.redirect_uri_list == uris

    for uri in ("javascript:x", "data:,x", "http://app.example/", "myapp://*"):
        with pytest.raises(BadMetadata):
            services.create_client(GOOD | {"redirect_uris": [uri]})
    assert Client.objects.count() == 1


@pytest.mark.parametrize("scope", ["a  b", " a", 'a"b', "a\\b", "ä", "a\nb", 7, ["a"]])
def test_a_ceiling_is_well_formed(scope):
    with pytest.raises(BadMetadata, match="scope"):
        services.create_client(GOOD | {"scope": scope})
    assert Client.objects.count() == 0
    assert AuditEvent.objects.count() == 0


@pytest.mark.shows("audit event", "client.updated")
def test_an_update_changes_what_it_names_and_nothing_else():
    client = services.create_client(GOOD | {"application_type": "native", "agent": True}).client

    changed = services.update_client(client.client_id, changes={"scope": "read"}, version=1)

    assert (changed.scope, changed.version) == ("read", 2)
    row = Client.objects.get()
    assert (row.name, row.application_type, row.is_agent) == ("Console", "native", True)
    assert last_event().detail == {"fields": "scope"}


def test_an_update_that_changes_nothing_leaves_no_trace():
    client = services.create_client(GOOD).client
    before = AuditEvent.objects.count()

    services.update_client(client.client_id, changes={"client_name": "Console"})

    assert Client.objects.get().version == 1
    assert AuditEvent.objects.count() == before


def test_the_whole_must_be_valid_after_an_update():
    client = services.create_client(GOOD).client

    for changes in (
        {"redirect_uris": []},
        {"redirect_uris": ["http://app.example/"]},
        {"grant_types": ["password"]},
        {"client_name": None},
        {"token_endpoint_auth_method": "client_secret_basic"},
        {"agent": True},
    ):
        with pytest.raises(BadMetadata):
            services.update_client(client.client_id, changes=changes)
    assert Client.objects.get().version == 1


def test_who_looked_at_an_older_version_is_told_so():
    client = services.create_client(GOOD).client
    services.update_client(client.client_id, changes={"scope": "a"}, version=1)

    with pytest.raises(ClientChanged):
        services.update_client(client.client_id, changes={"scope": "b"}, version=1)
    assert Client.objects.get().scope == "a"


def test_users_are_asked_again_when_an_operator_changes_where_codes_go():
    client = services.create_client(GOOD).client
    consent = ConsentGrant.objects.create(
        user=make_user(), client=client, resource=make_resource(), scopes=["read"]
    )

    services.update_client(client.client_id, changes={"scope": "read"})
    consent.refresh_from_db()
    assert consent.scopes == ["read"]
    services.update_client(client.client_id, changes={"redirect_uris": ["https://new.example/"]})
    consent.refresh_from_db()
    assert consent.scopes == []


def test_a_document_describes_its_client_and_nobody_else():
    client = make_client(client_id="https://c.example/d", registration_source="cimd")

    with pytest.raises(BadMetadata):
        services.update_client(client.client_id, changes={"client_name": "Renamed"})
    assert services.update_client(client.client_id, changes={"scope": "read"}).scope == "read"


@pytest.mark.shows("audit event", "client.suspended", "client.reactivated", "client.revoked")
def test_states_follow_each_other():
    client_id = make_client().client_id

    assert services.suspend_client(client_id).status == "suspended"
    assert last_event().action == "client.suspended"
    with pytest.raises(ClientInWrongState):
        services.suspend_client(client_id)
    assert services.reactivate_client(client_id).status == "active"
    assert last_event().action == "client.reactivated"
    with pytest.raises(ClientInWrongState):
        services.reactivate_client(client_id)
    assert services.revoke_client(client_id).status == "revoked"
    assert last_event().action == "client.revoked"

    before = AuditEvent.objects.count()
    for change in (services.suspend_client, services.reactivate_client):
        with pytest.raises(ClientInWrongState):
            change(client_id)
    assert services.revoke_client(client_id).status == "revoked"
    assert AuditEvent.objects.count() == before
    assert Client.objects.get().version == 4


@pytest.mark.shows("audit event", "client.secret_rotated")
def test_the_old_secret_ends_at_once_or_after_the_overlap(frozen_clock):
    made = make_confidential_client()
    first = services.rotate_secret(made.row.client_id, overlap=60)
    row = Client.objects.get()

    assert verify_secret(first.secret, client=row, now=clock.now())
    assert verify_secret(made.secret, client=row, now=clock.now())
    assert not verify_secret(made.secret, client=row, now=clock.now() + timedelta(seconds=61))
    assert last_event().detail == {"overlap_seconds": 60}

    second = services.rotate_secret(made.row.client_id)
    row = Client.objects.get()
    assert verify_secret(second.secret, client=row, now=clock.now())
    for old in (first.secret, made.secret):
        assert not verify_secret(old, client=row, now=clock.now())


@pytest.mark.parametrize("method", ["none", "private_key_jwt"])
def test_a_client_without_a_secret_has_none_to_rotate(method):
    client = make_client(token_endpoint_auth_method=method)

    with pytest.raises(ClientHasNoSecret):
        services.rotate_secret(client.client_id)
    assert Client.objects.get().client_secret == ""
    assert AuditEvent.objects.count() == 0


@pytest.mark.parametrize("holding", [make_family, make_token])
def test_a_client_that_holds_something_goes_only_by_force(holding):
    client = make_client()
    holding(client)

    with pytest.raises(ClientInUse):
        services.delete_client(client.client_id)
    assert Client.objects.count() == 1

    services.delete_client(client.client_id, force=True)
    assert Client.objects.count() == TokenFamily.objects.count() == 0
    assert not AccessToken.objects.filter(revoked_at=None).exists()
    assert last_event().detail == {"cause": "admin", "force": True}


def test_what_has_ended_keeps_no_client():
    client = make_client()
    make_family(client, revoked_at=clock.now())
    make_token(client, expires=clock.now() - timedelta(seconds=1))
    make_token(client, revoked_at=clock.now())

    services.delete_client(client.client_id)

    assert Client.objects.count() == 0
    assert AccessToken.objects.count() == 2, "the ledger keeps its rows"


@pytest.mark.parametrize(
    "change",
    [
        services.suspend_client, services.reactivate_client, services.revoke_client,
        services.rotate_secret, services.delete_client,
        lambda client_id: services.update_client(client_id, changes={"scope": "a"}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("client_id", ["nobody", "", "a\x00b", "\ud800"])
def test_an_unknown_client_is_unknown(change, client_id):
    with pytest.raises(ClientUnknown):
        change(client_id)
    assert AuditEvent.objects.count() == 0


def test_caches_forget_the_client(django_capture_on_commit_callbacks):
    from oauth.clients.lookup import find_known_client

    client = make_client()
    assert find_known_client(client.client_id).status == "active"
    with django_capture_on_commit_callbacks(execute=True):
        services.suspend_client(client.client_id)

    assert find_known_client(client.client_id).status == "suspended"
