"""What may be asserted: never more than the row lists, whatever is asked for."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauth.errors import OAuthError
from oauth.xaa.audiences import Audience, permitted_resource, permitted_scope
from oauth.xaa.issuing import Wanted

names = st.sampled_from(["a", "b", "c", "d"])
uris = st.sampled_from([f"https://{name}.example.com" for name in "abc"])
spellings = st.sampled_from(["{}", "{}/", "{}:443"])


def audience(*, resources=(), scopes=None):
    return Audience(
        id=uuid.uuid4(),
        audience="https://as.example.com",
        client_ids=frozenset(),
        remote_client_ids={},
        resources=tuple(resources),
        scopes=scopes,
    )


@given(st.lists(names, unique=True), st.lists(names, unique=True))
def test_scopes_stay_within_the_list_and_are_always_said(listed, asked):
    try:
        granted = permitted_scope(audience(scopes=tuple(listed)), tuple(asked))
    except OAuthError:
        assert not listed or not set(asked) <= set(listed)
    else:
        assert granted
        assert set(granted) <= set(listed)
        assert set(granted) == set(asked or listed)


@given(st.lists(names, unique=True))
def test_without_a_list_what_was_asked_for_is_carried(asked):
    assert permitted_scope(audience(scopes=None), tuple(asked)) == tuple(asked)


@given(st.lists(uris, unique=True), st.lists(st.tuples(uris, spellings), max_size=3))
def test_the_resource_is_one_of_the_list_in_its_own_spelling(listed, asked):
    presented = [spelling.format(uri) for uri, spelling in asked]
    named = {uri for uri, _ in asked}
    try:
        granted = permitted_resource(audience(resources=listed), presented)
    except OAuthError:
        assert not named <= set(listed) or len(named or listed) > 1
    else:
        assert granted == "" if not listed else granted in listed
        assert not named or named == {granted}


@given(st.lists(uris, max_size=3), st.lists(uris, max_size=3), st.randoms())
def test_resources_are_told_from_audiences(resources, audiences, random):
    values = [*resources, *audiences]
    random.shuffle(values)

    wanted = Wanted.of({}, audiences=tuple(audiences), values=values)

    assert set(wanted.resources) == set(resources)


@pytest.mark.parametrize(("known", "there"), [({}, "x"), ({"x": "y"}, "y"), ({"z": "y"}, "x")])
def test_the_client_has_its_own_name_there(known, there):
    row = Audience(
        id=uuid.uuid4(),
        audience="https://as.example.com",
        client_ids=frozenset({"x"}),
        remote_client_ids=known,
        resources=(),
        scopes=None,
    )

    assert row.client_there("x") == there
