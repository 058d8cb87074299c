"""What an assertion entitles to is never more than anybody involved allows."""

from __future__ import annotations

import uuid

from hypothesis import given
from hypothesis import strategies as st

from oauth.errors import OAuthError
from oauth.resources.view import ResourceView, ScopeView
from oauth.xaa.assertions import Assertion
from oauth.xaa.entitlement import entitled_scope
from oauth.xaa.trust import Policy, Provider

NAMES = ["read", "write", "admin", "tools", "offline_access"]
names = st.lists(st.sampled_from(NAMES), unique=True)
PROVIDER = Provider(
    id=uuid.uuid4(), name="p", issuer="https://i", jwks_uri="", audience="", is_enabled=True,
    policies=(),
)  # fmt: skip


def resource(scopes):
    return ResourceView(
        id=uuid.uuid4(), slug="r", uri="https://r", display_name="", backend_kind="mint",
        scopes=tuple(ScopeView(name, "", default=False) for name in scopes),
        runtime_client_ids=frozenset(), exchange_allowed_client_ids=frozenset(),
    )  # fmt: skip


def assertion(scope):
    return Assertion(
        provider=PROVIDER, subject="ann", client_id="c", jti="j", expires=0.0, resources=(),
        scope=None if scope is None else tuple(scope), confirmation={},
    )  # fmt: skip


@given(
    asserted=st.none() | names,
    asked=names,
    ceiling=names,
    catalogue=st.lists(st.sampled_from(NAMES[:-1]), unique=True),
    named=st.booleans(),
)
def test_no_scope_is_wider_than_any_of_its_sources(asserted, asked, ceiling, catalogue, named):
    try:
        granted = entitled_scope(
            assertion(asserted),
            requested=asked,
            ceiling=frozenset(ceiling),
            resource=resource(catalogue),
            resource_was_named=named,
        )
    except OAuthError:
        return
    assert set(granted) <= set(ceiling)
    assert asserted is None or set(granted) <= set(asserted)
    assert not named or set(granted) <= set(catalogue)
    wanted = set(asked) - {"offline_access"}
    assert not wanted or set(granted) == wanted, "what was asked for is refused, never cut down"


@given(client_ids=names, scopes=st.none() | names, wanted=names, client_id=st.sampled_from(NAMES))
def test_a_policy_allows_what_it_lists_and_nothing_else(client_ids, scopes, wanted, client_id):
    policy = Policy(
        name="p",
        client_ids=frozenset(client_ids),
        scopes=None if scopes is None else frozenset(scopes),
        resources=frozenset(),
    )

    allowed = policy.allows(client_id=client_id, resource="https://r", scope=wanted)

    assert allowed == (
        (not client_ids or client_id in client_ids)
        and (scopes is None or (scopes != [] and set(wanted) <= set(scopes)))
    )
