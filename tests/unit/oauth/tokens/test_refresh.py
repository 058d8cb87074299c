"""What a refresh asked for, and where its kept answer belongs."""

from __future__ import annotations

import uuid

from hypothesis import given
from hypothesis import strategies as st

from oauth.tokens.refresh import replay_digest, seal_context

scopes = st.lists(st.text("abc", min_size=1, max_size=3), max_size=3).map(" ".join)
resources = st.lists(st.text("abc:/ ", min_size=1, max_size=5), max_size=3).map(tuple)


@given(scopes, resources, scopes, resources)
def test_only_the_same_question_has_the_same_digest(one_scope, ones, other_scope, others):
    same = (one_scope, ones) == (other_scope, others)

    assert same == (
        replay_digest(scope=one_scope, resources=ones)
        == replay_digest(scope=other_scope, resources=others)
    )


def test_each_token_has_a_place_of_its_own():
    assert seal_context(uuid.UUID(int=1)) != seal_context(uuid.UUID(int=2))
