"""Fresh tokens out of connections: how each outcome is remembered."""

from __future__ import annotations

import json
import logging
import time
from datetime import timedelta

import pytest
from django.forms.models import model_to_dict

from audit.models import AuditEvent
from authplane.core import clock
from broker.connections import credentials
from broker.connections.services import revoke, store_secret
from broker.models import Connection
from broker.refresh import engine
from broker.refresh.ahead import sweep_leases
from broker.refresh.engine import ensure_fresh
from broker.refresh.outcomes import (
    NoToken,
    ReconnectNeeded,
    RefreshInProgress,
    TokenReuseDetected,
    UpstreamAway,
)
from tests.support.factories import make_user
from tests.support.upstream import (
    ALLOWED,
    LEAK,
    SECRET,
    make_connection,
    make_provider,
    rises,
    running_upstream,
)

pytestmark = pytest.mark.django_db
REFRESHES = "authserver_upstream_token_refresh_total"


@pytest.fixture
def upstream(override_config):
    override_config(broker=ALLOWED)
    with running_upstream() as world:
        yield world


@pytest.fixture
def row(upstream):
    return make_connection(make_provider(upstream), make_user())


def fresh(row, *, margin=60, later=0):
    return ensure_fresh(row.pk, margin=margin, now=clock.now() + timedelta(seconds=later))


def lapse():
    """The lease of the attempt is over."""
    Connection.objects.update(lease_until=clock.now() - timedelta(seconds=1))


def test_the_rotated_token_is_stored_before_the_answer(row, upstream):
    token = fresh(row)

    row.refresh_from_db()
    assert token.value in upstream.given
    assert {credentials.credential_of(row)["refresh_token"]} == upstream.known
    assert ("active", None, None, 3) == (
        row.status, row.refresh_used_at, row.lease_until, row.version,
    )  # fmt: skip


def test_a_short_lived_token_can_be_refreshed_again_and_again(row, upstream):
    """None of it looks like the reuse of a token."""
    upstream.expires_in = 60

    assert 5 == len({fresh(row, margin=600).value for _ in range(5)})


def test_without_rotation_the_old_token_stays(row, upstream):
    upstream.rotates = False

    fresh(row)
    fresh(row)

    row.refresh_from_db()
    assert credentials.credential_of(row) == {"refresh_token": "rt-0"}


@pytest.mark.shows("setting", "broker.keep_access_tokens")
def test_kept_tokens_are_given_out_again(row, upstream, override_config):
    fresh(row), fresh(row)
    assert upstream.count("refresh_token") == 2

    override_config(broker={"keep_access_tokens": True})
    assert fresh(row).value == fresh(row).value
    assert upstream.count("refresh_token") == 2


@pytest.mark.shows("setting", "broker.margin")
def test_a_kept_token_has_to_be_valid_for_the_margin(row, upstream, override_config):
    override_config(broker={"keep_access_tokens": True})
    kept = fresh(row)

    assert fresh(row, margin=60, later=3500).value == kept.value
    assert fresh(row, margin=60, later=3550).value != kept.value


def test_what_does_not_expire_is_never_refreshed(upstream):
    row = make_connection(make_provider(upstream), make_user(), expires_in=None)

    assert fresh(row, later=10**8).value == "at-0-of-the-upstream"
    assert upstream.asked == []


def test_without_a_refresh_token_the_access_token_serves_until_its_end(upstream):
    row = make_connection(make_provider(upstream), make_user(), refresh_token=None)

    assert fresh(row, later=3590).value == "at-0-of-the-upstream"
    with pytest.raises(ReconnectNeeded, match="expired"):
        fresh(row, later=3601)
    row.refresh_from_db()
    assert ("reauth_required", None) == (row.status, row.access_sealed)


def test_a_pasted_key_is_given_out_as_it_is(upstream):
    provider = make_provider(upstream)
    provider.protocol, provider.config_data = "api_key", {"header_name": "X-Key"}
    provider.secret_sealed = None
    provider.save()
    row = store_secret(
        user_id=make_user().pk, provider_id=provider.pk, members={"api_key": "k1"}, now=clock.now()
    )

    token = fresh(row)

    assert ("k1", None) == (token.value, token.expires_at)


# --- How a refresh fails -------------------------------------------------------------------------


def test_a_refusal_ends_the_attempts(row, upstream):
    upstream.failures = [400]

    with pytest.raises(ReconnectNeeded, match="upstream_refused"):
        fresh(row)
    for _ in range(3):
        with pytest.raises(ReconnectNeeded, match="reauth_required"):
            fresh(row)

    row.refresh_from_db()
    assert ("reauth_required", None) == (row.status, row.refresh_used_at)
    assert upstream.count("refresh_token") == 1


@pytest.mark.parametrize(("status", "error"), [(401, "invalid_client"), (429, "slow_down")])
def test_what_the_service_has_not_acted_on_can_be_tried_again(row, upstream, status, error):
    upstream.failures, upstream.error = [status], error

    with pytest.raises(UpstreamAway):
        fresh(row)
    row.refresh_from_db()
    assert ("active", None, 1) == (row.status, row.refresh_used_at, row.failures)
    assert row.next_attempt_at is not None

    assert fresh(row).value in upstream.given


def test_a_refusal_without_a_reason_counts_the_third_time(row, upstream):
    """As glewlwyd answers refresh tokens that have ended."""
    upstream.failures, upstream.error = [400, 400, 400], ""

    for _ in range(2):
        with pytest.raises(UpstreamAway):
            fresh(row)
    with pytest.raises(ReconnectNeeded, match="upstream_refused"):
        fresh(row)

    row.refresh_from_db()
    assert ("reauth_required", None) == (row.status, row.refresh_used_at)


@pytest.mark.parametrize("status", [401, 403, 404])
def test_other_refusals_without_a_reason_are_not_the_token_s(row, upstream, status):
    upstream.failures, upstream.error = [status] * 4, ""

    for _ in range(4):
        with pytest.raises(UpstreamAway):
            fresh(row)

    row.refresh_from_db()
    assert "active" == row.status


def test_what_was_not_sent_leaves_no_mark(row):
    provider = row.provider
    provider.config_data |= {"token_url": "http://127.0.0.1:1/token"}
    provider.save()
    from broker.providers import selectors

    selectors.drop()

    with pytest.raises(UpstreamAway):
        fresh(row)

    row.refresh_from_db()
    assert ("active", None, "") == (row.status, row.refresh_used_at, row.lease_owner)


@pytest.mark.shows("metric", "authserver_upstream_token_refresh_total")
@pytest.mark.shows("audit event", "broker_grant.reuse_detected")
@pytest.mark.parametrize("how", ["drops", "500"])
def test_an_unknown_outcome_ends_the_connection_at_the_next_attempt(
    row, upstream, how, django_capture_on_commit_callbacks
):
    upstream.drops = how == "drops"
    upstream.failures = [500] if how == "500" else []
    with (
        rises(REFRESHES, provider=row.provider.slug, outcome="indeterminate"),
        pytest.raises(UpstreamAway),
    ):
        fresh(row)
    row.refresh_from_db()
    assert "refreshing" == row.status
    assert row.refresh_used_at is not None

    # While the lease lasts nobody asks, and nobody waits for an attempt that has ended.
    started = time.monotonic()
    with pytest.raises(UpstreamAway) as away:
        fresh(row)
    assert time.monotonic() - started < 1
    assert 0 < away.value.retry_after <= 61
    assert upstream.count("refresh_token") == 1

    lapse()
    upstream.drops = False
    with (
        rises(REFRESHES, provider=row.provider.slug, outcome="reuse_detected"),
        django_capture_on_commit_callbacks(execute=True),
        pytest.raises(TokenReuseDetected),
    ):
        fresh(row)

    row.refresh_from_db()
    assert ("revoked", "reuse_detected") == (row.status, row.revoked_reason)
    assert (None, None) == (row.credential_sealed, row.access_sealed)
    assert upstream.count("refresh_token") == 1
    assert upstream.revoked == ["rt-0"]
    assert AuditEvent.objects.filter(action="broker_grant.reuse_detected").count() == 1
    with pytest.raises(ReconnectNeeded, match="revoked"):
        fresh(row)


@pytest.mark.shows("setting", "broker.indeterminate_policy")
def test_the_policy_may_allow_one_more_attempt(row, upstream, override_config):
    override_config(broker={"indeterminate_policy": "retry_once"})
    upstream.failures = [500]
    with pytest.raises(UpstreamAway):
        fresh(row)
    lapse()

    assert fresh(row).value in upstream.given

    row.refresh_from_db()
    assert ("active", None) == (row.status, row.refresh_used_at)


def test_one_more_attempt_is_one(row, upstream, override_config):
    override_config(broker={"indeterminate_policy": "retry_once"})
    upstream.failures = [500, 500, 500]
    for _ in range(2):
        with pytest.raises(UpstreamAway):
            fresh(row)
        with pytest.raises(UpstreamAway):
            fresh(row)
        lapse()

    with pytest.raises(TokenReuseDetected):
        fresh(row)
    assert upstream.count("refresh_token") == 2


def test_a_worker_that_dies_after_the_answer_leaves_its_mark(row, upstream, monkeypatch):
    """The service has rotated; what it answered is lost. The state says so to whoever is next."""

    class Killed(BaseException):
        pass

    def killed(*_args, **_kwargs):
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(engine.claims, "fresh_columns", killed)
        with pytest.raises(Killed):
            fresh(row)
    row.refresh_from_db()
    assert ("refreshing", {"refresh_token": "rt-0"}) == (
        row.status, credentials.credential_of(row),
    )  # fmt: skip
    assert row.lease_owner

    lapse()
    with pytest.raises(TokenReuseDetected):
        fresh(row)
    assert upstream.count("refresh_token") == 1


@pytest.mark.shows("setting", "broker.lease")
def test_who_waits_for_a_running_refresh_is_told_to_come_back(row, monkeypatch, override_config):
    override_config(broker={"lease": 30})
    monkeypatch.setattr(engine, "PATIENCE", 0.5)
    now = clock.now()
    claim = engine.claims.claim(row, now=now)
    row.refresh_from_db()
    assert row.lease_until == now + timedelta(seconds=30)
    assert claim is not None

    with pytest.raises(RefreshInProgress):
        fresh(row)

    claim.give_up(retry_after=0)
    assert fresh(row).value


def test_of_two_claims_to_one_version_one_holds(row):
    now = clock.now()

    assert engine.claims.claim(row, now=now) is not None
    assert engine.claims.claim(row, now=now) is None


def test_tokens_of_a_connection_that_ended_meanwhile_are_given_back(row, upstream, monkeypatch):
    refresh = engine.OAuthAdapter.refresh

    def ended_meanwhile(self, token):
        answer = refresh(self, token)
        revoke(row.pk, reason="user", now=clock.now())
        return answer

    monkeypatch.setattr(engine.OAuthAdapter, "refresh", ended_meanwhile)

    with pytest.raises(ReconnectNeeded, match="revoked"):
        fresh(row)

    row.refresh_from_db()
    assert ("revoked", None, None) == (row.status, row.credential_sealed, row.access_sealed)
    assert set(upstream.revoked) == {*upstream.given}


def test_scopes_that_the_service_took_back_are_taken_back_here(row, upstream):
    upstream.scope = "read"

    assert fresh(row).scopes == ("read",)
    row.refresh_from_db()
    assert row.scopes_granted == ["read"]


# --- On a schedule -------------------------------------------------------------------------------


def test_attempts_that_nobody_asks_about_are_decided_in_the_end(row, upstream):
    upstream.failures = [500]
    with pytest.raises(UpstreamAway):
        fresh(row)
    lapse()
    assert sweep_leases()["ended"] == 0

    Connection.objects.update(lease_until=clock.now() - timedelta(minutes=16))
    assert sweep_leases()["ended"] == 1

    row.refresh_from_db()
    assert row.status == "revoked"


def test_tokens_that_were_handed_over_do_not_stay(row):
    fresh(row)
    assert sweep_leases()["erased"] == 0
    Connection.objects.update(updated_at=clock.now() - timedelta(seconds=61))

    assert sweep_leases()["erased"] == 1
    row.refresh_from_db()
    assert row.access_sealed is None


# --- Nothing gets out ----------------------------------------------------------------------------


def test_no_secret_stands_in_logs_records_errors_or_columns(
    row, upstream, caplog, django_capture_on_commit_callbacks
):
    caplog.set_level(logging.DEBUG)
    told = []
    for failures, error, drops in (
        ([], "", False),
        ([401], LEAK, False),
        ([429], LEAK, False),
        ([], "", False),
        ([500], LEAK, False),
        ([], "", True),
    ):
        upstream.failures, upstream.error, upstream.drops = failures, error, drops
        try:
            told.append(repr(fresh(row)))
        except NoToken as raised:
            cause: BaseException | None = raised
            while cause is not None:
                told.append(repr(cause) + str(cause))
                cause = cause.__cause__ or cause.__context__
    lapse()
    with django_capture_on_commit_callbacks(execute=True), pytest.raises(TokenReuseDetected):
        fresh(row)

    row.refresh_from_db()
    columns = {name: bytes(value) if isinstance(value, memoryview) else value
               for name, value in model_to_dict(row).items()}  # fmt: skip
    texts = [
        *told,
        *(f"{record.getMessage()} {record.__dict__}" for record in caplog.records),
        json.dumps(list(AuditEvent.objects.values_list("detail", flat=True))),
        repr(columns),
    ]
    assert caplog.records
    for secret in (*upstream.tokens(), SECRET, LEAK, "at-0-of-the-upstream"):
        assert not [text for text in texts if secret in text]
