"""The state of a hop: one winner, bound to user and browser, nothing of it can be changed."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from audit import record
from audit.models import AuditEvent
from authplane.core import clock
from authplane.core.hashing import b64url, sha256, sha256_hex
from broker.connect.cleanup import purge_states
from broker.connect.state import StateError, begin, claim
from broker.models import BrokerProvider, ConnectState
from tests.support.factories import make_user

pytestmark = pytest.mark.django_db
MARK = "m" * 43


@pytest.fixture
def user():
    return make_user()


@pytest.fixture
def providers():
    return [
        BrokerProvider.objects.create(number=n, slug=f"p{n}", protocol="oauth", config_data={})
        for n in (1, 2)
    ]


def begun(user, provider=None, **members):
    return begin(
        **{
            "kind": "connect", "redirect_uri": "https://as.example/cb", "issuer": "https://up",
            "upstream_client_id": "c", "user": user, "provider": provider and provider.pk,
            "return_url": "https://app.example/", "scopes": ("a", "b"), "context": {"x": 1},
            "browser_mark": MARK, "now": clock.now(),
        } | members
    )  # fmt: skip


def claimed(hop, user, **members):
    return claim(
        hop.state,
        **{"kinds": ("connect",), "user": user, "browser_mark": MARK, "now": clock.now()} | members,
    )


def refused(hop, user, **members):
    with pytest.raises(StateError) as caught:
        claimed(hop, user, **members)
    return caught.value.code


def violations():
    """What was recorded; in a request it is written when that ends."""
    record.write_waiting()
    found = AuditEvent.objects.filter(action="broker_connect.state_refused").order_by("id")
    here = {str(key) for key in ConnectState.objects.values_list("pk", flat=True)}
    return [event.detail["violation"] for event in found if event.detail["state_id"] in here]


def test_a_hop_is_claimed_with_its_verifier(user, providers):
    hop = begun(user, providers[0])
    found = claimed(hop, user)

    assert hop.verifier == found.verifier
    assert b64url(sha256(found.verifier)) == hop.challenge
    assert ["a", "b"] == found.row.scopes
    assert timedelta(minutes=5) == found.row.expires_at - found.row.created_at


def test_neither_state_nor_verifier_stands_in_the_row_or_the_text(user):
    hop = begun(user)
    row = ConnectState.objects.values().get()

    for secret in (hop.state, hop.verifier):
        assert len(secret) == 43
        assert secret not in repr(hop)
        assert all(secret.encode() not in bytes(str(value), "utf8") for value in row.values())
        assert secret.encode() not in bytes(row["verifier_sealed"])
    assert row["state_hash"] == sha256_hex(hop.state)


@pytest.mark.shows("audit event", "broker_connect.state_refused")
def test_a_second_use_is_recognised(user):
    hop = begun(user)
    claimed(hop, user)

    assert "state_invalid" == refused(hop, user)
    assert ["state_reuse"] == violations()


def test_unknown_and_of_another_kind(user):
    hop = begun(user)

    assert "state_invalid" == refused(hop, user, kinds=("server", "login"))
    with pytest.raises(StateError, match="state_invalid"):
        claim("x" * 5000, kinds=("connect",), user=user, browser_mark=MARK, now=clock.now())
    assert ConnectState.objects.get().consumed_at is None


def test_five_minutes(user):
    hop = begun(user)

    assert "state_expired" == refused(hop, user, now=hop.expires_at)
    assert claimed(hop, user, now=hop.expires_at - timedelta(seconds=1))


@pytest.mark.parametrize("members", [{"user": None}, {"browser_mark": ""}, {"browser_mark": "n"}])
def test_somebody_else_leaves_it_as_it_is(user, members):
    hop = begun(user)

    assert "user_mismatch" == refused(hop, **({"user": user} | members))
    assert "user_mismatch" == refused(hop, make_user())
    assert ["user_mismatch"] * 2 == violations()
    assert claimed(hop, user)


ALTERED = {
    "redirect_uri": "https://evil.example/cb",
    "return_url": "https://evil.example/",
    "issuer": "https://evil.example",
    "client_id": "d",
    "scopes": ["a", "b", "admin"],
    "context": {"x": 2},
    "resource": uuid.uuid4(),
    "verifier_sealed": b"x" * 80,
    "integrity": "0" * 64,
    "integrity_key": "0" * 16,
    "kind": "server",
}


@pytest.mark.parametrize("column", [*ALTERED, "user", "provider", "expires_at", "created_at"])
def test_any_altered_column_ends_it(user, providers, column):
    hop = begun(user, providers[0])
    other = make_user()
    later = clock.now() + timedelta(hours=1)
    value = {
        "user": other, "provider": providers[1], "expires_at": later, "created_at": later
    }.get(column) or ALTERED[column]  # fmt: skip
    ConnectState.objects.update(**{column: value})
    who = other if column == "user" else user

    assert "integrity_violation" == refused(hop, who, kinds=("connect", "server"))
    assert "state_invalid" == refused(hop, who, kinds=("connect", "server"))
    assert ["integrity_violation", "state_reuse"] == violations()


def test_an_altered_browser_does_not_help_the_browser_it_was_altered_to(user):
    hop = begun(user)
    ConnectState.objects.update(browser_hash=sha256_hex("n"))

    assert "integrity_violation" == refused(hop, user, browser_mark="n")


def test_an_altered_hash_does_not_help_the_state_it_was_altered_to(user):
    hop = begun(user)
    ConnectState.objects.update(state_hash=sha256_hex("guess"))

    with pytest.raises(StateError, match="integrity_violation"):
        claim("guess", kinds=("connect",), user=user, browser_mark=MARK, now=clock.now())
    assert "state_invalid" == refused(hop, user)


def test_the_integrity_key_may_change_once(user, override_config):
    from authplane.core.config import config

    before = config().secrets.integrity
    first, second = begun(user), begun(user)
    override_config(
        secrets={"integrity": "a-new-integrity-key-0123456789abc", "integrity_old": before}
    )
    assert claimed(first, user)

    override_config(secrets={"integrity_old": ""})
    assert "integrity_violation" == refused(second, user)


@pytest.mark.shows("setting", "connect.state_secret")
def test_a_state_secret_takes_the_place_of_the_integrity_key(user, override_config):
    override_config(connect={"state_secret": "state-secret-of-the-test-suite-0123456789"})
    first, second = begun(user), begun(user)
    override_config(secrets={"integrity": "a-new-integrity-key-0123456789abc", "integrity_old": ""})
    assert claimed(first, user)

    override_config(connect={"state_secret": "another-secret-of-the-test-suite-01234567"})
    assert "integrity_violation" == refused(second, user)


def test_tombstones_go_after_a_day(user):
    hop = begun(user)
    claimed(hop, user)

    assert 0 == purge_states(hop.expires_at + timedelta(hours=23))
    assert 1 == purge_states(hop.expires_at + timedelta(hours=25))
