"""RFC 8693 section 4.1: who acts for whom, and how deep that goes."""

from __future__ import annotations

import pytest

from tests.support.digests import nothing_changes
from tests.support.exchanging import ACCESS_TOKEN, row
from tests.support.factories import make_resource
from tests.support.refusals import Refusal, assert_refused
from tests.support.scene import change_client

TOO_DEEP = Refusal(400, "invalid_request", "delegation chain depth exceeds maximum allowed")


@pytest.fixture
def allowed(delegation):
    delegation.consent("read", "write")
    return delegation


def claims_of(delegation, **overrides):
    return delegation.claims(delegation.exchanged(**overrides)["access_token"])


# --- The newest hop ------------------------------------------------------------------------------


@pytest.mark.spec("RFC 8693", "4.1", "MUST", "act names the party that acts")
def test_without_an_actor_token_the_acting_client_is_the_actor(allowed):
    claims = claims_of(allowed)

    assert {"sub": allowed.gateway.client_id, "actor_type": "service"} == claims["act"]
    assert (str(allowed.user.pk), allowed.gateway.client_id) == (claims["sub"], claims["client_id"])
    assert "agent_id" not in claims
    assert "agent_chain" not in claims


def test_an_agent_is_called_one(allowed):
    change_client(allowed.gateway, is_agent=True)

    claims = claims_of(allowed)

    assert {"sub": allowed.gateway.client_id, "actor_type": "agent"} == claims["act"]
    assert allowed.gateway.client_id == claims["agent_id"]
    assert [allowed.gateway.client_id] == claims["agent_chain"]


@pytest.mark.parametrize(("is_agent", "kind"), [(True, "agent"), (False, "service")])
def test_the_actor_is_the_subject_of_the_actor_token(allowed, is_agent, kind):
    """G26: not whoever presents it."""
    machine = allowed.scene.machine
    change_client(machine, is_agent=is_agent)
    actor = allowed.scene.machine_token()

    claims = claims_of(allowed, actor_token=actor, actor_token_type=ACCESS_TOKEN)

    assert {"sub": machine.client_id, "actor_type": kind} == claims["act"]
    assert allowed.gateway.client_id == claims["client_id"]


def test_a_person_may_act_and_is_neither_agent_nor_service(allowed):
    from tests.support.factories import make_user, person

    colleague = make_user()
    actor = allowed.scene.another_client().tokens(person(colleague))["access_token"]

    assert {"sub": str(colleague.pk)} == claims_of(allowed, actor_token=actor)["act"]


def test_a_client_s_exchange_of_its_own_token_adds_no_hop(delegation, override_config):
    override_config(exchange={"allow_self_exchange": True})
    machine = delegation.another_exchanger(scope="read")
    delegation.policy(delegation.back)
    token = machine.client_credentials(scope="read").json()["access_token"]

    bare = machine.exchange(token, resource=delegation.back.uri).json()["access_token"]
    actor = delegation.scene.machine_token()
    acted = machine.exchange(token, resource=delegation.back.uri, actor_token=actor)

    assert "act" not in machine.claims(bare)
    assert {"sub": delegation.scene.machine.client_id, "actor_type": "service"} == machine.claims(
        acted.json()["access_token"]
    )["act"]


# --- Over a link ---------------------------------------------------------------------------------


def test_over_a_link_the_source_stands_in_the_chain_and_the_sender_before_it(allowed):
    """G22: the client_id claim stays an OAuth client."""
    allowed.link(read=["read"])

    claims = claims_of(allowed)

    assert {"sub": allowed.front.slug, "act": {"sub": allowed.agent.client_id}} == claims["act"]
    assert allowed.gateway.client_id == claims["client_id"]


def test_over_a_link_an_actor_stands_before_the_source(allowed):
    allowed.link(read=["read"])
    actor = allowed.scene.machine_token()

    claims = claims_of(allowed, actor_token=actor)

    assert {
        "sub": allowed.scene.machine.client_id,
        "actor_type": "service",
        "act": {"sub": allowed.front.slug, "act": {"sub": allowed.agent.client_id}},
    } == claims["act"]


# --- Chains --------------------------------------------------------------------------------------


def next_hop(delegation, token, holder, number):
    """Another service exchanges what `holder` got into a resource of its own."""
    from oauth.models import ConsentGrant

    service = delegation.another_exchanger(client_id=f"service-{number}", is_agent=True)
    target = make_resource(
        slug=f"hop-{number}", policy={"exchange": {"allowed_client_ids": [service.client_id]}}
    )
    from oauth.resources import selectors

    selectors.drop()
    ConsentGrant.objects.create(
        user=delegation.user, client=row(holder), resource=target, scopes=["read"]
    )
    return service, lambda: service.exchange(token, resource=target.uri)


def lengthened(delegation, hops):
    """A token with so many hops, who got it, and who acted, oldest first."""
    token, holder, acted = delegation.subject_token(scope="read"), delegation.agent, []
    for number in range(hops):
        holder, exchange = next_hop(delegation, token, holder, number)
        answer = exchange()
        assert answer.status_code == 200, answer.text
        token = answer.json()["access_token"]
        acted.append(holder.client_id)
    return token, holder, acted


@pytest.mark.spec("RFC 8693", "4.1", "MUST", "the newest actor is outermost, earlier ones nested")
def test_earlier_actors_are_nested(delegation):
    token, _, acted = lengthened(delegation, 3)

    claims = delegation.claims(token)

    assert ["service-0", "service-1", "service-2"] == acted == claims["agent_chain"]
    chain, seen = claims["act"], []
    while chain:
        assert "agent" == chain["actor_type"]
        seen.append(chain["sub"])
        chain = chain.get("act")
    assert list(reversed(acted)) == seen


@pytest.mark.shows("setting", "token_exchange.max_chain_depth")
@pytest.mark.parametrize("limit", [1, 3, 10])
def test_a_chain_ends_at_its_limit(delegation, override_config, limit):
    override_config(exchange={"max_chain_depth": limit})
    token, holder, _ = lengthened(delegation, limit)
    _, exchange = next_hop(delegation, token, holder, "last")

    with nothing_changes():
        assert_refused(exchange(), TOO_DEEP)


def test_of_a_long_chain_the_newest_eight_agents_are_listed(delegation, override_config):
    override_config(exchange={"max_chain_depth": 10})
    token, _, acted = lengthened(delegation, 10)

    assert acted[-8:] == delegation.claims(token)["agent_chain"]


def test_a_link_adds_its_hops_to_the_depth(allowed, override_config):
    override_config(exchange={"max_chain_depth": 1})
    allowed.link(read=["read"])
    token = allowed.subject_token()

    with nothing_changes():
        assert_refused(allowed.exchange(token), TOO_DEEP)


def test_a_client_cannot_exchange_its_own_token_for_ever(delegation, override_config, monkeypatch):
    """It adds no hop, but whoever asks about a token has to walk up to the first one."""
    from oauth.tokens.exchange import minted

    monkeypatch.setattr(minted, "MAX_ANCESTORS", 2)
    override_config(exchange={"allow_self_exchange": True})
    machine = delegation.another_exchanger(scope="read")
    token = machine.client_credentials(scope="read").json()["access_token"]
    for _ in range(2):
        token = machine.exchange(token).json()["access_token"]

    with nothing_changes():
        assert_refused(machine.exchange(token), TOO_DEEP)
    assert machine.introspect(token).json()["active"] is True


# --- What is not carried on ----------------------------------------------------------------------


@pytest.mark.spec("RFC 8693", "4.1", "MUST", "exp, nbf and aud are not used within act")
def test_claims_about_tokens_are_stripped_from_hops():
    from oauth.tokens.exchange.actors import chain_of

    about_tokens = {"exp": 1, "nbf": 1, "aud": "x", "iat": 1, "jti": "x", "may_act": {"sub": "y"}}
    hop = {"sub": "b", "iss": "https://b"} | about_tokens

    chain = chain_of({"act": hop | {"act": {"sub": "a"} | about_tokens}})

    assert {"sub": "b", "iss": "https://b", "act": {"sub": "a"}} == chain


def test_may_act_is_neither_obeyed_nor_passed_on(allowed, monkeypatch):
    """What a token says about who may act does not replace the policy of the target."""
    from oauth.tokens import minting

    make = minting.access_token_claims
    monkeypatch.setattr(
        minting, "access_token_claims",
        lambda *a, **k: make(*a, **k) | {"may_act": {"sub": "somebody-else"}},
    )  # fmt: skip
    token = allowed.subject_token()
    monkeypatch.setattr(minting, "access_token_claims", make)
    assert "may_act" in allowed.claims(token)

    claims = allowed.claims(allowed.exchanged(token)["access_token"])

    assert "may_act" not in claims


def test_introspection_tells_the_chain(allowed):
    change_client(allowed.gateway, is_agent=True)
    token = allowed.exchanged()["access_token"]

    told = allowed.scene.watcher.introspect(token).json()

    assert {"sub": allowed.gateway.client_id, "actor_type": "agent"} == told["act"]
    assert [allowed.gateway.client_id] == told["agent_chain"]
