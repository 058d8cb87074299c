"""Sealed values of the broker: which there are, moving them to another key, losing the key."""

from __future__ import annotations

import io
import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.core.management.base import SystemCheckError

from authplane.core import clock, crypto
from authplane.core.config import config
from authplane.core.crypto import CryptoError
from authplane.core.rewrap import Rewrapped
from broker.models import BrokerProvider, Connection, ConnectState
from broker.providers import services
from broker.providers.selectors import provider_by_slug
from broker.vault import columns
from broker.vault.checks import check_sealed_values
from broker.vault.columns import sealed_columns
from broker.vault.rewrap import rewrap_everything
from broker.vault.sealing import open_text, reseal, seal_text
from oauth.keys.rotation import ensure_first_key
from oauth.maintenance.jobs import JOBS
from tests.support.factories import make_user

pytestmark = pytest.mark.django_db(transaction=True)
NEW = "5c" * 32
LOST = "7e" * 32


def provider(number=1):
    return services.create_provider(
        {
            "slug": f"up-{number}", "preset": "github", "config_data": {"client_id": "c"},
            "secret": f"hush-{number}",
        }
    )  # fmt: skip


def connection(row):
    made = Connection(user=make_user(), provider=row)
    for column in ("credential_sealed", "access_sealed"):
        sealed = seal_text(column, table="broker_connection", row=made.pk, column=column)
        setattr(made, column, sealed)
    made.save()
    return made


def state(row, **fields):
    made = ConnectState(
        kind="connect", state_hash=str(row.number), user=make_user(), provider=row,
        client_id="c", redirect_uri="x", integrity_key="k", integrity="i",
        expires_at=clock.now() + timedelta(minutes=5),
    )  # fmt: skip
    for name, value in fields.items():
        setattr(made, name, value)
    made.verifier_sealed = seal_text(
        "v", table="broker_connectstate", row=made.pk, column="verifier_sealed"
    )
    made.save()
    return made


@pytest.fixture
def rotated(override_config):
    """The data key is another one from now on; the old one still opens."""

    def rotate(*, keep_old=True):
        old = config().secrets.data if keep_old else ""
        override_config(secrets={"data": NEW, "data_old": old})

    return rotate


def test_every_sealed_column_is_known_by_its_name():
    found = {(column.table, column.column) for column in sealed_columns()}
    assert {
        ("broker_brokerprovider", "secret_sealed"),
        ("broker_connection", "credential_sealed"),
        ("broker_connection", "access_sealed"),
        ("broker_identityprovider", "secret_sealed"),
        ("broker_connectstate", "verifier_sealed"),
        ("broker_upstreamconfig", "secret_sealed"),
        ("broker_upstreamconfig", "registration_sealed"),
    } <= found


def test_resealing_keeps_the_content_and_the_place():
    sealed = seal_text("hush", table="t", row=7, column="c")
    again = reseal(sealed, table="t", row=7, column="c")
    assert again != sealed
    assert open_text(again, table="t", row=7, column="c") == "hush"
    for table, row, column in (("u", 7, "c"), ("t", 8, "c"), ("t", 7, "d")):
        with pytest.raises(CryptoError):
            reseal(sealed, table=table, row=row, column=column)


class TestMovingToAnotherKey:
    def test_everything_opens_with_the_new_key_alone(self, rotated, override_config, monkeypatch):
        monkeypatch.setattr(columns, "BATCH", 2)
        rows = [provider(number) for number in range(1, 6)]
        connected = connection(rows[0])
        under_way = state(rows[0])
        rotated()

        assert (8, 0) == (rewrap_everything().resealed, rewrap_everything().resealed)

        override_config(secrets={"data_old": ""})
        for row in rows:
            assert provider_by_slug(row.slug).secret() == f"hush-{row.number}"
        connected.refresh_from_db()
        under_way.refresh_from_db()
        for column in ("credential_sealed", "access_sealed"):
            sealed = getattr(connected, column)
            opened = open_text(sealed, table="broker_connection", row=connected.pk, column=column)
            assert opened == column
        assert not crypto.needs_rewrap(bytes(under_way.verifier_sealed))

    def test_what_is_replaced_at_the_same_moment_stays(self, rotated, monkeypatch):
        row = provider()
        rotated()
        theirs = seal_text("new", table="broker_brokerprovider", row=row.pk, column="secret_sealed")

        def in_between(blob, **place):
            BrokerProvider.objects.update(secret_sealed=theirs)
            return reseal(blob, **place)

        monkeypatch.setattr("broker.vault.rewrap.reseal", in_between)
        assert rewrap_everything().resealed == 0
        assert bytes(BrokerProvider.objects.get().secret_sealed) == theirs

    def test_what_no_key_opens_stays_and_is_counted(self, rotated, caplog):
        row = provider()
        before = bytes(row.secret_sealed)
        rotated(keep_old=False)
        assert (rewrap_everything().resealed, rewrap_everything().unreadable) == (0, 1)
        assert bytes(BrokerProvider.objects.get().secret_sealed) == before
        assert "hush" not in caplog.text

    def test_it_may_be_stopped_and_begun_again(self, rotated, monkeypatch):
        for number in (1, 2, 3):
            provider(number)
        rotated()
        calls = []

        def dies(blob, **place):
            calls.append(blob)
            if len(calls) == 2:
                raise KeyboardInterrupt
            return reseal(blob, **place)

        monkeypatch.setattr("broker.vault.rewrap.reseal", dies)
        with pytest.raises(KeyboardInterrupt):
            rewrap_everything()
        monkeypatch.undo()
        assert rewrap_everything().resealed == 2

    def test_lapsed_hops_are_left_alone(self, rotated):
        row = provider()
        BrokerProvider.objects.update(secret_sealed=None)
        state(row, consumed_at=clock.now())
        rotated(keep_old=False)
        assert (rewrap_everything().resealed, rewrap_everything().unreadable) == (0, 0)
        assert check_sealed_values() == []

    def test_the_job_works_while_an_old_key_is_configured(self, rotated, override_config):
        job = JOBS["oauth.rewrap_sealed"]
        provider()
        assert job.run().result == {"resealed": 0, "unreadable": 0}
        rotated()
        assert job.run().result == {"resealed": 1, "unreadable": 0}
        assert job.run().result == {"resealed": 0, "unreadable": 0}
        override_config(secrets={"data_old": ""})
        assert provider_by_slug("up-1").secret() == "hush-1"

    def test_the_command_says_how_many(self, rotated):
        ensure_first_key()
        provider()
        rotated()
        out = io.StringIO()
        call_command("rotate_secrets", json=True, stdout=out)
        assert json.loads(out.getvalue())["credentials_resealed"] == 1

    def test_the_command_fails_when_the_old_key_is_missing(self, override_config):
        override_config(secrets={"data": LOST})
        provider()
        override_config(secrets={"data": NEW, "data_old": ""})
        ensure_first_key()
        with pytest.raises(CommandError, match="1 stored credentials cannot be opened"):
            call_command("rotate_secrets", stdout=io.StringIO())


class TestWhenTheKeyIsLost:
    def test_what_cannot_be_opened_is_given_up_when_asked(self, rotated):
        row = provider(1)
        connected, under_way = connection(row), state(row)
        rotated(keep_old=False)
        kept = provider(2)
        call_command("rotate_keys", immediate=True, withdraw=True, verbosity=0)

        out = io.StringIO()
        call_command("rotate_secrets", "--discard-unreadable", json=True, stdout=out)

        assert json.loads(out.getvalue())["credentials_discarded"] == 3
        connected.refresh_from_db()
        row.refresh_from_db()
        assert (connected.credential_sealed, connected.access_sealed) == (None, None)
        assert (connected.status, connected.version) == ("reauth_required", 2)
        assert row.secret_sealed is None
        assert not ConnectState.objects.filter(pk=under_way.pk).exists()
        assert provider_by_slug(kept.slug).secret() == "hush-2"
        assert check_sealed_values() == []

    def test_a_moved_value_is_given_up_too(self):
        first, second = provider(1), provider(2)
        BrokerProvider.objects.filter(pk=first.pk).update(secret_sealed=second.secret_sealed)
        assert rewrap_everything() == Rewrapped()
        assert rewrap_everything(discard=True) == Rewrapped(0, 1, 1)
        assert rewrap_everything(discard=True) == Rewrapped()
        assert BrokerProvider.objects.get(pk=first.pk).secret_sealed is None

    def test_what_is_replaced_at_the_same_moment_is_not_given_up(self, rotated):
        row = provider()
        stale = bytes(row.secret_sealed)
        services.patch_provider(row.pk, {"secret": "new"})
        (column,) = [one for one in sealed_columns() if one.table == "broker_brokerprovider"]
        assert not column.discard(row.pk, old=stale)
        assert provider_by_slug("up-1").secret() == "new"


class TestAtStart:
    def test_nothing_is_wrong_while_everything_opens(self, rotated):
        assert check_sealed_values() == []
        connection(provider())
        assert check_sealed_values() == []
        rotated()
        assert check_sealed_values() == []

    def test_a_lost_key_is_told_at_start(self, rotated):
        connection(provider())
        rotated(keep_old=False)
        found = check_sealed_values()
        assert {message.id for message in found} == {"authplane.E020"}
        told = "".join(str(message) for message in found)
        for column in ("broker_brokerprovider.secret_sealed", "broker_connection.access_sealed"):
            assert column in told

    def test_preparing_a_release_fails_then(self, rotated):
        call_command("prepare")
        provider()
        call_command("prepare")
        rotated(keep_old=False)
        call_command("rotate_keys", immediate=True, withdraw=True, verbosity=0)
        with pytest.raises(SystemCheckError, match="E020"):
            call_command("prepare")

    def test_no_key_at_all_is_told_at_start(self, override_config):
        provider()
        override_config(secrets={"data": "", "data_old": ""})
        assert "not configured" in check_sealed_values()[0].msg

    def test_a_value_that_was_moved_or_altered_is_told_at_start(self):
        first, second = provider(1), provider(2)
        BrokerProvider.objects.filter(pk=first.pk).update(secret_sealed=second.secret_sealed)
        assert "cannot be opened" in check_sealed_values()[0].msg

    def test_an_older_value_under_a_lost_key_is_found_however_many_are_newer(
        self, override_config, monkeypatch
    ):
        monkeypatch.setattr("broker.vault.checks.SAMPLE", 1)
        old = config().secrets.data
        override_config(secrets={"data": LOST})
        provider(1)
        override_config(secrets={"data": old})
        provider(2)
        assert "not configured" in check_sealed_values()[0].msg
