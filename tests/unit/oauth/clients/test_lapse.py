"""Self-registered clients lapse when nobody uses them, and never while somebody does."""

from __future__ import annotations

from datetime import timedelta

import pytest

from audit.models import AuditEvent
from authplane.core import clock
from authplane.core.ids import uuid7
from oauth.models import (
    AccessToken,
    AuthorizationCode,
    AuthorizationRequest,
    Client,
    ConsentGrant,
    RefreshToken,
    TokenFamily,
)
from oauth.registration import lapse
from oauth.registration.lapse import lapse_unused
from tests.support.factories import make_client, make_resource, make_user

pytestmark = pytest.mark.django_db

MONTH = timedelta(days=30)


def old_client(**fields):
    fields.setdefault("registration_source", "dcr")
    client = make_client(**fields)
    past = clock.now() - MONTH - timedelta(seconds=1)
    Client.objects.filter(pk=client.pk).update(created=past, updated=past)
    return client


def family(client, *, age=timedelta(days=40), refresh_expires=timedelta(days=1), **fields):
    now = clock.now()
    made = TokenFamily.objects.create(
        client=client, user=make_user(), resource="https://r", auth_time=now - age,
        created_at=now - age, expires_at=now - age + timedelta(days=90), **fields,
    )  # fmt: skip
    RefreshToken.objects.create(
        family=made, token_checksum=str(uuid7()), jti=uuid7(), expires=now + refresh_expires
    )
    return made


def token(client, *, age, life):
    now = clock.now()
    AccessToken.objects.create(
        application=client, kind="client_credentials", subject="s", resource="https://r",
        created=now - age, expires=now - age + life,
    )  # fmt: skip


@pytest.mark.shows("setting", "dcr.lapse_after")
@pytest.mark.shows("audit event", "client.deleted")
@pytest.mark.parametrize("source", ["dcr", "cimd"])
def test_an_unused_client_lapses_and_the_record_tells(source):
    client = old_client(registration_source=source)

    assert lapse_unused(clock.now()) == 1

    assert Client.objects.count() == 0
    event = AuditEvent.objects.get()
    assert (event.action, event.actor_id) == ("client.deleted", "system")
    assert (event.client_id, event.detail) == (client.client_id, {"cause": "lapsed"})
    assert lapse_unused(clock.now()) == 0


def test_the_time_is_configured(override_config):
    old_client()
    override_config(dcr={"lapse_after": 31 * 86_400})
    assert lapse_unused(clock.now()) == 0
    override_config(dcr={"lapse_after": 29 * 86_400})
    assert lapse_unused(clock.now()) == 1


@pytest.mark.parametrize("fields", [{"status": "suspended"}, {"status": "revoked"}])
def test_what_an_operator_switched_off_stays_so(fields):
    old_client(**fields)

    assert lapse_unused(clock.now()) == 0


def test_clients_of_administrators_and_young_ones_stay():
    old_client(registration_source="admin")
    make_client(registration_source="dcr")
    changed = old_client()
    Client.objects.filter(pk=changed.pk).update(updated=clock.now())

    assert lapse_unused(clock.now()) == 0
    assert Client.objects.count() == 3


@pytest.mark.parametrize(
    "use",
    [
        family,
        lambda client: family(client, age=timedelta(days=2), refresh_expires=-timedelta(days=1)),
        lambda client: token(client, age=timedelta(days=40), life=timedelta(days=41)),
        lambda client: token(client, age=timedelta(days=2), life=timedelta(hours=1)),
        lambda client: ConsentGrant.objects.create(
            user=make_user(), client=client, resource=make_resource(), scopes=["read"]
        ),
        lambda client: AuthorizationRequest.objects.create(
            client=client, user=make_user(), redirect_uri="https://a/", resource="https://r",
            code_challenge="c", auth_time=clock.now(),
            expires_at=clock.now() + timedelta(minutes=5),
        ),
        lambda client: AuthorizationCode.objects.create(
            application=client, user=make_user(), code="c", redirect_uri="https://a/",
            resource="https://r", code_challenge="c", auth_time=clock.now(),
            expires=clock.now() + timedelta(minutes=1),
        ),
    ],
    ids=["refreshable", "recent family", "token in force", "recent token", "consent", "request",
         "code"],
)  # fmt: skip
def test_a_client_in_use_stays(use):
    use(old_client())

    assert lapse_unused(clock.now()) == 0
    assert Client.objects.count() == 1


@pytest.mark.parametrize(
    "past",
    [
        lambda client: family(client, refresh_expires=-timedelta(days=1)),
        lambda client: family(client, revoked_at=clock.now()),
        lambda client: token(client, age=timedelta(days=40), life=timedelta(hours=1)),
    ],
    ids=["expired", "revoked", "old token"],
)
def test_what_ended_long_ago_keeps_nobody(past):
    past(old_client())

    assert lapse_unused(clock.now()) == 1
    assert TokenFamily.objects.count() == RefreshToken.objects.count() == 0


def test_any_number_goes_in_bounded_batches(monkeypatch):
    monkeypatch.setattr(lapse, "BATCH", 3)
    for _ in range(8):
        old_client()
    kept = make_client(registration_source="dcr")

    assert lapse_unused(clock.now()) == 8
    assert Client.objects.get() == kept


def test_a_client_that_is_used_while_the_batch_is_chosen_stays(monkeypatch):
    used, unused = old_client(), old_client()
    ask = lapse.unused_clients
    asked = []

    def with_use_in_between(**times):
        asked.append(times)
        if len(asked) == 2:
            family(used)
        return ask(**times)

    monkeypatch.setattr(lapse, "unused_clients", with_use_in_between)

    assert lapse_unused(clock.now()) == 1
    assert list(Client.objects.all()) == [used]
    assert not Client.objects.filter(pk=unused.pk).exists()
