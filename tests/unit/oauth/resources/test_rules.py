"""What a resource demands, as the rules answer it to every grant."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauth.clients.policy import SWITCHES, USER_GRANTS
from oauth.errors import OAuthError, Reason
from oauth.models import AccessToken, Client
from oauth.resources.policy_body import GRANT_TYPES, RULES, complete_policy, read_policy
from oauth.resources.rules import (
    GRANT_OF_KIND,
    bound_key,
    grant_is_allowed,
    is_still_acceptable,
    lifetime_at,
    require_allowed,
)
from oauth.resources.selectors import rules_of
from oauth.resources.view import ResourceView, Rules

RULE_SETS = st.builds(
    Rules,
    dpop=st.sampled_from(["off", "optional", "required"]),
    grants=st.none() | st.frozensets(st.sampled_from(GRANT_TYPES), min_size=1),
    lifetime=st.none() | st.integers(10, 86_400),
    token_format=st.sampled_from(["jwt", "opaque"]),
)


def resource_with(rules):
    return ResourceView(
        id=uuid.uuid4(), slug="r", uri="https://r.example.com", display_name="",
        backend_kind="mint", scopes=(), runtime_client_ids=frozenset(),
        exchange_allowed_client_ids=frozenset(), rules=rules,
    )  # fmt: skip


def refusal(rules, *, grant_type="authorization_code", jkt="", bound=False):
    try:
        require_allowed(
            resource_with(rules), grant_type=grant_type, binding_jkt=jkt,
            client=Client(dpop_bound_access_tokens=bound),
        )  # fmt: skip
    except OAuthError as error:
        return error.reason
    return None


@given(RULE_SETS, st.sampled_from(GRANT_TYPES), st.sampled_from(["", "key"]), st.booleans())
def test_what_is_refused_now_is_what_would_be_inactive_later(rules, grant_type, jkt, bound):
    """A token that is issued is acceptable as long as the rules stay what they are."""
    resource = resource_with(rules)
    if refusal(rules, grant_type=grant_type, jkt=jkt, bound=bound) is not None:
        return
    key = bound_key(resource, jkt)

    for kind, grant in GRANT_OF_KIND.items():
        if grant == grant_type:
            assert is_still_acceptable(resource, kind=kind, bound_jkt=key)


@given(RULE_SETS, st.integers(1, 100_000))
def test_a_lifetime_is_never_lengthened(rules, default):
    ceiling = rules.lifetime or default

    assert min(default, ceiling) == lifetime_at(resource_with(rules), default)


@pytest.mark.parametrize(
    ("rules", "options", "reason"),
    [
        (Rules(), {}, None),
        (Rules(dpop="required"), {"jkt": "key"}, None),
        (Rules(dpop="required"), {}, Reason.RESOURCE_DPOP_REQUIRED),
        (Rules(dpop="off"), {"jkt": "key"}, None),
        (Rules(dpop="off"), {"jkt": "key", "bound": True}, Reason.RESOURCE_DPOP_OFF),
        (Rules(grants=frozenset({"refresh_token"})), {}, Reason.RESOURCE_GRANT_REFUSED),
        (Rules(grants=frozenset({"refresh_token"}), dpop="required"), {},
         Reason.RESOURCE_GRANT_REFUSED),
    ],
)  # fmt: skip
def test_each_demand_has_its_own_reason(rules, options, reason):
    assert reason == refusal(rules, **options)


def test_a_resource_that_is_gone_demands_nothing():
    require_allowed(None, grant_type="refresh_token", binding_jkt="", client=Client())

    assert 900 == lifetime_at(None, 900)
    assert "key" == bound_key(None, "key")
    assert grant_is_allowed(None, grant_type="anything")
    assert is_still_acceptable(None, kind="refresh_token", bound_jkt="")


def test_a_policy_can_speak_of_every_grant_there_is():
    from oauth.grants import GRANTS

    assert {*USER_GRANTS, *SWITCHES} == set(GRANT_TYPES)
    assert set(GRANTS) <= set(GRANT_TYPES)


def test_every_token_for_a_resource_has_a_grant():
    not_for_a_resource = {"assertion", "vend"}

    assert set(AccessToken.Kind.values) - not_for_a_resource == set(GRANT_OF_KIND)
    assert set(GRANT_OF_KIND.values()) <= set(GRANT_TYPES)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just("required"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from([*RULES, "runtime", "exchange", "client_ids", "x"]), inner, max_size=3
    ),
    max_leaves=8,
)  # fmt: skip


@given(JSON)
def test_whatever_comes_as_a_policy_is_read_or_refused(anything):
    policy, problems = read_policy(anything)

    if not problems:
        assert complete_policy(policy) == policy
        assert (policy, []) == read_policy(policy)
        assert rules_of(policy).dpop in {"off", "optional", "required"}
