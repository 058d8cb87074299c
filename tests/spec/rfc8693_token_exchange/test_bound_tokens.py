"""Exchanging a token that is bound to a key: by who holds the key, or by who was sent the token.

RFC 8693 leaves it open; RFC 9449 section 6.1 binds the token, so that a thief must not be able to
have it bound to another key, or to none (G6).
"""

from __future__ import annotations

import pytest

from tests.support.digests import nothing_changes
from tests.support.dpop import DPoPKey
from tests.support.exchanging import row
from tests.support.refusals import Refusal, assert_refused

PROVE = Refusal(400, "invalid_grant", "prove possession of the key that the token is bound to")
DENIED = Refusal(403, "access_denied", "client is not authorized to exchange this token")


@pytest.fixture
def bound(delegation, override_config):
    """The agent's token for the front is bound to the agent's key."""
    delegation.consent("read", "write")
    override_config(exchange={"allow_self_exchange": True})
    delegation.agent.dpop = DPoPKey()
    return delegation


@pytest.fixture
def own(bound):
    """A machine with a key, and its own token bound to it."""
    machine = bound.another_exchanger(scope="read")
    machine.dpop = DPoPKey()
    bound.policy(bound.back)
    token = machine.client_credentials(scope="read").json()["access_token"]
    assert {"jkt": machine.dpop.jkt} == machine.claims(token)["cnf"]
    return machine, token


# --- The token's own client ----------------------------------------------------------------------


def test_the_token_s_own_client_proves_its_key(bound, own):
    machine, token = own

    answer = machine.exchange(token, resource=bound.back.uri)

    assert answer.status_code == 200, answer.text
    assert "DPoP" == answer.json()["token_type"]
    assert {"jkt": machine.dpop.jkt} == machine.claims(answer.json()["access_token"])["cnf"]


@pytest.mark.parametrize("key", ["none", "another"])
def test_without_the_key_the_own_client_gets_nothing(bound, own, key):
    machine, token = own
    machine.dpop = None if key == "none" else DPoPKey()

    with nothing_changes():
        assert_refused(machine.exchange(token, resource=bound.back.uri), PROVE)
    with nothing_changes():
        assert_refused(machine.exchange(token), PROVE)


def test_a_bearer_token_may_be_bound_on_the_way(bound):
    machine = bound.another_exchanger(scope="read")
    bound.policy(bound.back)
    token = machine.client_credentials(scope="read").json()["access_token"]
    machine.dpop = DPoPKey()

    answer = machine.exchange(token, resource=bound.back.uri)

    assert {"jkt": machine.dpop.jkt} == machine.claims(answer.json()["access_token"])["cnf"]


# --- The resource that was sent the token --------------------------------------------------------


def test_the_resource_that_was_sent_the_token_needs_no_key_of_its_sender(bound):
    token = bound.subject_token()
    assert {"jkt": bound.agent.dpop.jkt} == bound.claims(token)["cnf"]

    body = bound.exchanged(token)

    assert "Bearer" == body["token_type"]
    assert "cnf" not in bound.claims(body["access_token"])


def test_the_new_token_is_bound_to_the_actor_s_own_key(bound):
    bound.gateway.dpop = DPoPKey()

    body = bound.exchanged()

    assert "DPoP" == body["token_type"]
    assert {"jkt": bound.gateway.dpop.jkt} == bound.claims(body["access_token"])["cnf"]


def test_a_bearer_token_comes_of_it_only_where_policy_allows(bound):
    bound.policy(
        bound.back,
        exchange={"allowed_client_ids": [bound.gateway.client_id]},
        dpop="required",
    )
    token = bound.subject_token()

    with nothing_changes():
        answer = bound.exchange(token)
        assert (400, "invalid_dpop_proof") == (answer.status_code, answer.json()["error"])
    bound.gateway.dpop = DPoPKey()
    assert "DPoP" == bound.exchanged(token)["token_type"]


# --- Everybody else ------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [False, True])
def test_everybody_else_is_refused_with_and_without_a_key_of_their_own(bound, key):
    """Allowed at the target, but not the one the token was sent to."""
    thief = bound.another_exchanger()
    thief.dpop = DPoPKey() if key else None
    bound.policy(bound.back, exchange={"allowed_client_ids": [thief.client_id]})
    token = bound.subject_token()

    with nothing_changes():
        assert_refused(thief.exchange(token, resource=bound.back.uri), DENIED)


def test_even_the_sender_s_key_helps_nobody_else(bound):
    other = bound.another_exchanger()
    other.dpop = bound.agent.dpop
    bound.policy(bound.back, exchange={"allowed_client_ids": [other.client_id]})
    token = bound.subject_token()

    with nothing_changes():
        assert_refused(other.exchange(token, resource=bound.back.uri), DENIED)


def test_a_bound_actor_token_is_held_to_the_same(bound):
    machine = bound.scene.machine
    machine.dpop = DPoPKey()
    actor = bound.scene.machine_token(resource=bound.back.uri)
    subject = bound.subject_token()

    with nothing_changes():
        assert_refused(bound.exchange(subject, actor_token=actor), DENIED)


# --- The proof -----------------------------------------------------------------------------------


def test_a_refused_exchange_leaves_the_proof_unused(bound, own):
    """One-time things are used last: the same proof works once the reason is gone."""
    machine, token = own
    proof = {"DPoP": machine.dpop.proof(machine.issuer + "/oauth/token")}

    refused = machine.exchange(token, resource=bound.back.uri, scope="write", headers=proof)
    accepted = machine.exchange(token, resource=bound.back.uri, headers=proof)
    replayed = machine.exchange(token, resource=bound.back.uri, headers=proof)

    assert (400, 200, 400) == (refused.status_code, accepted.status_code, replayed.status_code)
    assert ("invalid_scope", "invalid_dpop_proof") == (
        refused.json()["error"], replayed.json()["error"],
    )  # fmt: skip
    assert row(machine)
