"""Whatever is asked: an exchange never widens scope, audience, lifetime or depth, and a refused
one changes no row."""

from __future__ import annotations

import itertools
from contextlib import contextmanager

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.digests import table_digests
from tests.support.exchanging import make_delegation, row

NAMES = ("a", "b", "c")
SOMETIMES = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
subsets = st.sets(st.sampled_from(NAMES))
some = st.sets(st.sampled_from(NAMES), min_size=1)


@contextmanager
def undone():
    """What happens within it leaves nothing behind, neither rows nor caches nor time."""
    from oauth.resources import fronting, selectors

    with transaction.atomic():
        yield
        transaction.set_rollback(True)
    fronting.drop()
    selectors.drop()


@pytest.fixture
def delegation(scene, override_config):
    override_config(tokens={"exchange_ttl": 600, "access_ttl": 300})
    made = make_delegation(scene)
    catalogue = [{"name": name} for name in NAMES]
    made.front.scopes = made.back.scopes = catalogue
    made.policy(made.front, **made.front.policy)
    made.policy(made.back, **made.back.policy)
    return made


@pytest.fixture
def subjects(delegation):
    """A subject token for each set of scopes, made once."""
    made: dict[frozenset[str], str] = {}

    def token(scopes):
        key = frozenset(scopes)
        if key not in made:
            made[key] = delegation.subject_token(scope=" ".join(sorted(key)))
        return made[key]

    for size in range(1, len(NAMES) + 1):
        for scopes in itertools.combinations(NAMES, size):
            token(scopes)
    return token


def outcome(delegation, subject, **asked):
    """The claims of the new token; None for a refusal, which changed nothing."""
    before = table_digests()
    answer = delegation.exchange(subject, **asked)
    if answer.status_code == 200:
        return delegation.claims(answer.json()["access_token"])
    assert answer.status_code in {400, 403}, answer.text
    assert before == table_digests()
    return None


def depth(claims):
    hops, hop = 0, claims.get("act")
    while hop:
        hops, hop = hops + 1, hop.get("act")
    return hops


def assert_no_wider(before, after, *, allowed, target):
    assert [target] == after["aud"]
    assert set(after["scope"].split()) <= allowed
    assert after["exp"] <= before["exp"]
    assert after["sub"] == before["sub"]
    assert depth(before) < depth(after) <= 5


@SOMETIMES
@given(held=some, consented=subsets, asked=subsets)
def test_direct(delegation, subjects, held, consented, asked):
    subject = subjects(held)
    with undone():
        if consented:
            delegation.consent(*sorted(consented))
        after = outcome(delegation, subject, scope=" ".join(sorted(asked)) or None)
        granted = set(after["scope"].split()) if after else set()
        if after:
            assert_no_wider(
                delegation.claims(subject), after,
                allowed=held & consented, target=delegation.back.uri,
            )  # fmt: skip
        # Whatever could be had is given, and nothing else.
        assert (
            granted == (asked if asked <= held & consented else set())
            if asked
            else (granted == held & consented)
        )


@SOMETIMES
@given(
    held=some,
    scope_map=st.dictionaries(st.sampled_from(NAMES), st.lists(st.sampled_from(NAMES), min_size=1)),
    asked=subsets,
)
def test_fronted(delegation, subjects, held, scope_map, asked):

    subject = subjects(held)
    reach = {target for source in held for target in scope_map.get(source, ())}
    with undone():
        delegation.link(**scope_map)
        after = outcome(delegation, subject, scope=" ".join(sorted(asked)) or None)
        if after:
            assert_no_wider(
                delegation.claims(subject), after, allowed=reach, target=delegation.back.uri
            )
            assert set(after["scope"].split()) == (asked or reach)
        else:
            assert not reach or not asked <= reach


@SOMETIMES
@given(held=some, asked=subsets, further=subsets, seconds=st.integers(0, 299))
def test_a_second_exchange_stays_within_the_first(
    delegation, subjects, frozen_clock, *, held, asked, further, seconds
):
    """Narrowed once, narrow for good; shortened once, short for good."""
    from authplane.core import clock
    from oauth.models import ConsentGrant

    subject, start = subjects(held), clock.now()
    with undone():
        delegation.consent(*NAMES)
        delegation.policy(
            delegation.front, exchange={"allowed_client_ids": [delegation.gateway.client_id]}
        )
        ConsentGrant.objects.create(
            user=delegation.user, client=row(delegation.gateway),
            resource=delegation.front, scopes=list(NAMES),
        )  # fmt: skip
        answer = delegation.exchange(subject, scope=" ".join(sorted(asked)) or None)
        if answer.status_code == 200:
            between = answer.json()["access_token"]
            first = delegation.claims(between)
            frozen_clock.shift(seconds)
            after = outcome(
                delegation, between,
                resource=delegation.front.uri, scope=" ".join(sorted(further)) or None,
            )  # fmt: skip
            if after:
                assert_no_wider(
                    first, after, allowed=set(first["scope"].split()) & held,
                    target=delegation.front.uri,
                )  # fmt: skip
    frozen_clock.move_to(start)


hops = st.recursive(
    st.fixed_dictionaries({"sub": st.text(min_size=1, max_size=5)}),
    lambda inner: st.fixed_dictionaries(
        {"sub": st.text(min_size=1, max_size=5), "act": inner},
        optional={"exp": st.integers(), "aud": st.text(), "iss": st.text()},
    ),
    max_leaves=12,
)


@given(chain=hops)
def test_a_chain_keeps_its_actors_and_their_order(chain):
    from oauth.tokens.exchange.actors import agents_of, chain_of, hop_of, with_hop

    def subs(act):
        return [] if act is None else [act["sub"], *subs(act.get("act"))]

    kept = chain_of({"act": chain})
    longer = with_hop(hop_of("newest", is_agent=True), before=kept)

    assert subs(chain) == subs(kept)
    assert ["newest", *subs(chain)] == subs(longer)
    assert list(reversed(["newest", *subs(chain)][:8])) == list(agents_of(longer))
    assert "exp" not in str(list(kept))
