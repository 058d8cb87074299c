from __future__ import annotations

import uuid

import pytest

from oauth.errors import OAuthError, Reason
from oauth.resources.scopes import grantable, narrow, parse_scope
from oauth.resources.view import ResourceView, ScopeView


def resource(*scopes):
    return ResourceView(
        id=uuid.uuid4(),
        slug="files",
        uri="https://mcp.example.com",
        display_name="Files",
        backend_kind="mint",
        scopes=scopes,
        runtime_client_ids=frozenset(),
        exchange_allowed_client_ids=frozenset(),
    )


READ, WRITE = ScopeView("read", "", default=True), ScopeView("write", "", default=False)
FILES = resource(READ, WRITE)


def reason(call, *arguments, **named):
    with pytest.raises(OAuthError) as refused:
        call(*arguments, **named)
    assert "invalid_scope" == refused.value.error
    return refused.value.reason


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (None, ()),
        ("", ()),
        ("read", ("read",)),
        ("write read write", ("write", "read")),
        ("https://example.com/scope!#$[]~", ("https://example.com/scope!#$[]~",)),
    ],
)
def test_scope_parameters_are_names_separated_by_single_spaces(text, names):
    assert names == parse_scope(text)


@pytest.mark.parametrize(
    "text",
    [" ", " read", "read ", "read  write", "read\twrite", "read\n", 'a"b', "a\\b", "ä", "a\x00",
     "\x7f", "a" * 4097],
)  # fmt: skip
def test_anything_else_is_malformed(text):
    assert Reason.SCOPE_MALFORMED is reason(parse_scope, text)


@pytest.mark.parametrize(
    ("requested", "ceiling", "granted"),
    [
        (["write", "read"], [], ("write", "read")),
        (["read"], ["read", "write"], ("read",)),
        ([], [], ("read",)),
        ([], ["read", "write"], ("read",)),
        (["offline_access"], [], ("read",)),
        (["offline_access", "write"], ["write"], ("write",)),
    ],
)
def test_granted_is_what_was_asked_for_or_the_default_set(requested, ceiling, granted):
    assert granted == grantable(requested, resource=FILES, ceiling=ceiling)


@pytest.mark.parametrize(
    ("requested", "ceiling", "why"),
    [
        (["admin"], [], Reason.SCOPE_UNKNOWN),
        (["read", "admin"], ["read", "admin"], Reason.SCOPE_UNKNOWN),
        (["READ"], [], Reason.SCOPE_UNKNOWN),
        (["read", "write"], ["read"], Reason.SCOPE_BEYOND_CEILING),
        ([], ["write"], Reason.SCOPE_EMPTY),
        (["offline_access"], ["write"], Reason.SCOPE_EMPTY),
    ],
)
def test_what_the_resource_or_the_client_does_not_have_is_refused(requested, ceiling, why):
    assert why is reason(grantable, requested, resource=FILES, ceiling=ceiling)


def test_without_marked_scopes_all_are_the_default():
    unmarked = resource(ScopeView("a", "", default=False), ScopeView("b", "", default=False))

    assert ("a", "b") == grantable([], resource=unmarked, ceiling=[])


def test_a_resource_without_scopes_gives_tokens_without_scopes():
    assert () == grantable([], resource=resource(), ceiling=["anything"])


def test_a_missing_scope_can_be_a_refusal(override_config):
    override_config(oauth={"require_scope": True})

    assert Reason.SCOPE_REQUIRED is reason(grantable, [], resource=FILES, ceiling=[])
    assert ("read",) == grantable(["read"], resource=FILES, ceiling=[])


def test_later_tokens_have_the_same_scopes_or_fewer():
    granted = ("read", "write")

    assert granted == narrow([], granted=granted)
    assert ("write",) == narrow(["write", "offline_access"], granted=granted)
    assert Reason.SCOPE_BEYOND_GRANT is reason(narrow, ["read", "admin"], granted=granted)
