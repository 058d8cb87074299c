"""RFC 9449 section 8: nonces that the server gives, and what a demand for one leaves alone."""

from __future__ import annotations

from datetime import timedelta

import pytest

from authplane.core import clock, shared
from oauth.dpop.nonces import is_current, new_nonce
from tests.spec.rfc9449_dpop.conftest import TOKEN_URL
from tests.support.digests import nothing_changes
from tests.support.refusals import USE_NONCE, assert_refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def _required(override_config):
    override_config(dpop={"require_nonce": True})


@pytest.mark.spec("RFC 9449", "8", "MUST", "use_dpop_nonce comes with a nonce that works")
@pytest.mark.shows("setting", "dpop.require_nonce")
@pytest.mark.parametrize("nonce", [None, "", "nonsense", "A" * 43, 7])
@pytest.mark.usefixtures("_required")
def test_a_proof_without_a_good_nonce_is_told_one(ask, key, nonce):
    with nothing_changes():
        refused = ask(key.proof(TOKEN_URL, nonce=nonce))

    assert_refused(refused, USE_NONCE)
    assert "DPoP-Nonce" in refused.headers["access-control-expose-headers"]
    given = refused.headers["dpop-nonce"]
    assert ask(key.proof(TOKEN_URL, nonce=given)).status_code == 200


@pytest.mark.spec("RFC 9449", "8", "MUST", "a demand for a nonce spends nothing")
@pytest.mark.usefixtures("_required")
def test_a_demand_spends_neither_code_nor_refresh_token(scene, key):
    client, code = scene.client, scene.authorize()
    with nothing_changes():
        refused = client.redeem(code, headers={"DPoP": key.proof(TOKEN_URL, nonce=None)})
    assert_refused(refused, USE_NONCE)

    client.dpop = key
    tokens = client.redeem(code).json()
    bare = {"DPoP": key.proof(TOKEN_URL, nonce=None)}
    with nothing_changes():
        refused = client.refresh(tokens["refresh_token"], headers=bare)
    assert_refused(refused, USE_NONCE)
    assert client.refresh(tokens["refresh_token"]).status_code == 200


@pytest.mark.shows("setting", "dpop.nonce_ttl")
@pytest.mark.usefixtures("_required")
def test_a_nonce_lives_for_its_time(ask, key, frozen_clock, override_config):
    override_config(dpop={"require_nonce": True, "nonce_ttl": 20})
    nonce = new_nonce(now=clock.now())
    frozen_clock.shift(timedelta(seconds=20))
    assert ask(key.proof(TOKEN_URL, nonce=nonce)).status_code == 200

    frozen_clock.shift(timedelta(seconds=1))

    assert_refused(ask(key.proof(TOKEN_URL, nonce=nonce)), USE_NONCE)


@pytest.mark.spec("RFC 9449", "8.2", "MAY", "a nonce comes with success as well")
@pytest.mark.shows("setting", "dpop.offer_nonce")
def test_a_nonce_is_offered_with_every_answer_to_a_proof(ask, key, override_config):
    assert ask(key.proof(TOKEN_URL)).headers["dpop-nonce"]
    assert ask(key.proof(TOKEN_URL, htm="GET")).headers["dpop-nonce"]
    assert "dpop-nonce" not in ask().headers

    override_config(dpop={"offer_nonce": False})

    assert "dpop-nonce" not in ask(key.proof(TOKEN_URL)).headers


def test_a_nonce_that_nobody_asked_for_does_not_matter(ask, key):
    assert ask(key.proof(TOKEN_URL, nonce="of another server")).status_code == 200


def test_after_the_memory_of_proofs_was_lost_a_nonce_is_required(ask, key, monkeypatch):
    """A proof from before the loss could otherwise be used a second time."""
    monkeypatch.setattr(shared, "lost_within", lambda seconds: seconds == 130)

    refused = ask(key.proof(TOKEN_URL, nonce=None))

    assert_refused(refused, USE_NONCE)
    given = refused.headers["dpop-nonce"]
    assert ask(key.proof(TOKEN_URL, nonce=given)).status_code == 200


def test_a_rotated_key_still_opens_its_nonces(override_config):
    override_config(secrets={"integrity": "a" * 40})
    nonce = new_nonce(now=clock.now())

    override_config(secrets={"integrity": "b" * 40, "integrity_old": "a" * 40})
    assert is_current(nonce, now=clock.now())

    override_config(secrets={"integrity": "b" * 40, "integrity_old": ""})
    assert not is_current(nonce, now=clock.now())


def test_without_its_redis_the_server_asks_for_nonces_and_still_notices_replays(
    ask, key, override_config
):
    override_config(storage={"redis_url": "redis://127.0.0.1:1/0"})
    ask()  # whoever comes first learns that nobody is there
    refused = ask(key.proof(TOKEN_URL, nonce=None))
    assert_refused(refused, USE_NONCE)
    proof = key.proof(TOKEN_URL, nonce=refused.headers["dpop-nonce"])
    assert ask(proof).status_code == 200

    replayed = ask(proof)

    assert (replayed.status_code, replayed.json()["error"]) == (400, "invalid_dpop_proof")
