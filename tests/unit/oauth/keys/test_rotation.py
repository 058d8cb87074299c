from __future__ import annotations

import json

import jwt
import pytest
import time_machine

from authplane.core import clock, jose
from oauth.keys import rotation, snapshot, store
from oauth.keys.record import KeyUnavailable, State, state_of

pytestmark = pytest.mark.django_db

MAX_AGE = 300
STAY = 7200


@pytest.fixture(params=["database", "keyfile"])
def keys(request, override_config, tmp_path):
    override_config(signing={"key_store": request.param, "key_path": str(tmp_path / "keys")})
    return snapshot.driver()


def states():
    known, now = snapshot.driver().read(), clock.now()
    return {key.kid: state_of(key, among=known, now=now) for key in known}


def count_active():
    return sum(state is State.ACTIVE for state in states().values())


def published():
    return [key["kid"] for key in store.public_jwks()]


def test_the_first_key_signs_at_once(keys):
    first = rotation.ensure_first_key()

    assert {first.kid: State.ACTIVE} == states()
    assert first.kid == store.signing_key().kid
    assert first == rotation.ensure_first_key()


def test_the_first_request_makes_the_first_key(keys):
    assert [store.signing_key().kid] == published()
    assert 1 == count_active()


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA", "RS256"])
def test_what_a_key_signs_its_published_part_verifies(keys, override_config, algorithm):
    override_config(signing={"algorithm": algorithm})
    key = store.signing_key()

    token = jwt.encode(
        {"sub": "somebody"}, key.private_key, key.algorithm, headers={"kid": key.kid}
    )

    published = store.public_jwks()
    assert {"sub": "somebody"} == jose.verify_jws(
        token, keys=published, algorithms={algorithm}, typ=None
    )
    assert (algorithm, "sig", key.kid) == tuple(
        published[0][name] for name in ("alg", "use", "kid")
    )
    assert algorithm == store.verification_keys()[key.kid].algorithm


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA", "RS256"])
def test_no_private_member_is_published(keys, override_config, algorithm):
    override_config(signing={"algorithm": algorithm})
    store.signing_key()

    members = set().union(*store.public_jwks())

    assert set() == members & {"d", "p", "q", "dp", "dq", "qi", "k", "oth"}
    assert members >= {"kty", "kid", "alg", "use"}


def test_a_planned_key_is_published_before_it_signs(keys, frozen_clock):
    old = store.signing_key().kid

    new = rotation.rotate().kid

    assert {old: State.ACTIVE, new: State.UPCOMING} == states()
    assert [old, new] == published()
    frozen_clock.shift(MAX_AGE - 1)
    assert old == store.signing_key().kid
    frozen_clock.shift(1)
    assert new == store.signing_key().kid
    assert [new, old] == published()
    assert {old: State.RETIRING, new: State.ACTIVE} == states()


def test_a_replaced_key_stays_as_long_as_tokens_it_signed(keys, frozen_clock):
    old = store.signing_key().kid
    new = rotation.rotate().kid

    frozen_clock.shift(MAX_AGE + STAY - 1)
    assert old in store.verification_keys()
    frozen_clock.shift(1)

    assert [new] == published()
    assert {new} == set(store.verification_keys())


def test_a_replaced_key_never_leaves_before_the_longest_token(keys, frozen_clock, override_config):
    override_config(
        signing={"retire_after": 1},
        tokens={"access_ttl": 60, "machine_ttl": 9000, "clock_skew": 30},
    )
    old = store.signing_key().kid
    rotation.rotate(immediate=True)

    frozen_clock.shift(9029)
    assert old in store.verification_keys()
    frozen_clock.shift(2)
    assert old not in store.verification_keys()


def test_an_immediate_rotation_signs_with_the_new_key_at_once(keys):
    old = store.signing_key().kid

    new = rotation.rotate(immediate=True)

    assert (new.kid, State.ACTIVE) == (store.signing_key().kid, new.state)
    assert {old: State.RETIRING, new.kid: State.ACTIVE} == states()


def test_an_immediate_rotation_takes_the_key_that_verifiers_know_already(keys):
    store.signing_key()
    waiting = rotation.rotate().kid

    assert waiting == rotation.rotate(immediate=True).kid
    assert waiting == store.signing_key().kid


def test_withdrawing_ends_every_key_before(keys):
    retiring = store.signing_key().kid
    active = rotation.rotate(immediate=True).kid
    waiting = rotation.rotate().kid

    done = rotation.rotate(immediate=True, withdraw=True)

    assert {retiring, active, waiting} == set(done.withdrawn)
    assert [done.kid] == published()
    assert {done.kid} == set(store.verification_keys())
    for kid in done.withdrawn:
        with pytest.raises(KeyUnavailable):
            keys.private_part(kid)


def test_only_an_immediate_rotation_can_withdraw(keys):
    before = store.signing_key().kid

    with pytest.raises(ValueError, match="immediate"):
        rotation.rotate(withdraw=True)

    assert [before] == published()


def test_rotating_again_while_a_key_waits_changes_nothing(keys):
    store.signing_key()
    first = rotation.rotate()

    second = rotation.rotate()

    assert (first.kid, True, False) == (second.kid, first.changed, second.changed)
    assert 2 == len(states())


def test_a_key_of_another_algorithm_does_not_wait_any_longer(keys, override_config):
    active = store.signing_key().kid
    outdated = rotation.rotate().kid
    override_config(signing={"algorithm": "EdDSA"})

    chosen = rotation.rotate()

    assert (True, "EdDSA") == (chosen.changed, chosen.algorithm)
    assert {active: State.ACTIVE, outdated: State.RETIRED, chosen.kid: State.UPCOMING} == states()


def test_a_clock_that_runs_behind_cannot_leave_the_old_key_in_force(keys):
    with time_machine.travel(clock.now().timestamp() + 20, tick=False):
        store.signing_key()

    new = rotation.rotate(immediate=True)

    with time_machine.travel(clock.now().timestamp() + 21, tick=False):
        assert new.kid == store.signing_key().kid


def test_a_rotation_is_due_when_the_key_nears_its_age(keys, frozen_clock, override_config):
    override_config(signing={"rotation_interval": 86400})
    old = store.signing_key().kid

    frozen_clock.shift(86400 - MAX_AGE - 1)
    assert rotation.rotate_if_due(clock.now()) is None
    frozen_clock.shift(1)
    due = rotation.rotate_if_due(clock.now())

    assert due is not None
    assert rotation.rotate_if_due(clock.now()) is None
    assert old == store.signing_key().kid
    frozen_clock.shift(MAX_AGE)
    assert due.kid == store.signing_key().kid


def test_an_interval_of_zero_never_rotates(keys, frozen_clock, override_config):
    override_config(signing={"rotation_interval": 0})
    store.signing_key()
    frozen_clock.shift(10 * 365 * 86400)

    assert rotation.rotate_if_due(clock.now()) is None
    assert 1 == len(states())


def test_a_key_that_was_replaced_loses_its_private_part(keys, frozen_clock):
    old = store.signing_key().kid
    new = rotation.rotate(immediate=True).kid

    rotation.rotate_if_due(clock.now())
    assert keys.private_part(old)
    frozen_clock.shift(301)
    rotation.rotate_if_due(clock.now())

    with pytest.raises(KeyUnavailable, match="no longer kept"):
        keys.private_part(old)
    assert keys.private_part(new)
    assert old in store.verification_keys()


def test_private_parts_are_sealed_at_rest(keys, tmp_path):
    kid = store.signing_key().kid
    private = keys.private_part(kid)

    at_rest = _at_rest(keys, kid)

    assert private not in at_rest
    assert private[-40:] not in at_rest


def test_a_lost_data_key_is_said_plainly(keys, override_config):
    kid = store.signing_key().kid
    override_config(secrets={"data": "ab" * 32, "data_old": ""})

    with pytest.raises(KeyUnavailable, match="AUTHPLANE_DATA_ENCRYPTION_KEY") as refused:
        rotation.require_usable_key()

    assert kid in str(refused.value)
    assert "rotate_keys --immediate" in str(refused.value)


def test_after_a_lost_data_key_signing_goes_on_with_a_new_key(keys, override_config):
    old = store.signing_key().kid
    override_config(secrets={"data": "ab" * 32, "data_old": ""})

    new = rotation.rotate(immediate=True)

    assert new.kid == store.signing_key().kid
    assert {old, new.kid} == set(store.verification_keys())


def test_keys_follow_a_new_data_key(keys, override_config):
    from authplane.core.config import config

    kid = store.signing_key().kid
    private = keys.private_part(kid)
    override_config(secrets={"data": "ab" * 32, "data_old": config().secrets.data})

    assert (1, 0) == (rotation.rewrap_keys(), rotation.rewrap_keys())

    override_config(secrets={"data_old": ""})
    assert private == keys.private_part(kid)


def test_signing_costs_no_statement_once_the_key_is_known(query_budget):
    store.signing_key()
    store.signing_key()

    with query_budget(0):
        for _ in range(3):
            store.signing_key()
            store.verification_keys()
            store.public_jwks()


def test_the_private_key_is_parsed_once(monkeypatch):
    store.signing_key()
    store.signing_key()

    monkeypatch.setattr(snapshot, "decode_private_key", pytest.fail)
    store._in_force = None
    snapshot._snapshots.forget()

    assert store.signing_key()


def test_every_rotation_is_recorded_and_counted():
    from audit.models import AuditEvent
    from authplane.core.metrics import counter

    rotations = counter("authserver_key_rotation_total")
    store.signing_key()
    before = rotations._value.get()

    done = rotation.rotate(actor="somebody")
    rotation.rotate(actor="somebody")

    row = AuditEvent.objects.get(action="key.rotated", actor_id="somebody")
    assert {"kid": done.kid, "alg": "ES256", "immediate": False} == row.detail
    assert before + 1 == rotations._value.get()


def test_keys_already_known_outlive_an_outage_of_the_database(monkeypatch):
    from django.db import OperationalError

    from oauth.keys.database import DatabaseKeyStore

    kid = store.signing_key().kid
    store.public_jwks()

    def away(_store):
        raise OperationalError

    monkeypatch.setattr(DatabaseKeyStore, "read", away)
    snapshot._snapshots.forget()

    assert [kid] == published()


def _at_rest(keys, kid):
    from oauth.models import SigningKey

    if hasattr(keys, "file"):
        import base64

        entry = json.loads(keys.file.read_text())["keys"][kid]
        return base64.b64decode(entry["private_sealed"])
    return bytes(SigningKey.objects.get(kid=kid).private_sealed)
