"""What a scope map opens: any one source scope is enough, and nothing else opens anything."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauth.resources.fronting import Link, find_link
from oauth.resources.fronting.body import read_link, read_scope_map
from oauth.resources.selectors import view_of
from tests.support.factories import make_link, make_resource
from tests.support.queries import query_budget

NAMES = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters='"\\'),
                min_size=1, max_size=8)  # fmt: skip
MAPS = st.dictionaries(NAMES, st.lists(NAMES, min_size=1, max_size=5, unique=True), min_size=1)


def link_with(scope_map):
    return Link(
        uuid.uuid4(), uuid.uuid4(), {name: tuple(found) for name, found in scope_map.items()}
    )


class TestReachable:
    @given(MAPS, st.data())
    def test_a_target_is_reached_by_any_of_its_sources_and_by_nothing_else(self, scope_map, data):
        link = link_with(scope_map)
        held = data.draw(st.sets(st.sampled_from([*scope_map, "never mapped"])))

        reached = link.reachable(held)

        for target in {name for targets in scope_map.values() for name in targets}:
            assert (target in reached) == bool(link.sources_of(target) & held)

    @given(MAPS, st.sets(NAMES), st.sets(NAMES))
    def test_more_held_scopes_never_reach_less(self, scope_map, some, more):
        link = link_with(scope_map)

        assert set(link.reachable(some)) <= set(link.reachable(some | more))
        assert link.reachable(some | set(scope_map)) == link.reachable(scope_map)

    @given(MAPS, st.sets(NAMES))
    def test_the_answer_is_sorted_and_says_each_scope_once(self, scope_map, held):
        reached = link_with(scope_map).reachable(held)

        assert list(reached) == sorted(set(reached))

    def test_nothing_held_reaches_nothing(self):
        link = link_with({"read": ["files:read"]})

        assert ((), frozenset()) == (link.reachable(()), link.sources_of("read"))
        assert frozenset({"read"}) == link.sources_of("files:read")


class TestShape:
    @given(MAPS)
    def test_every_good_map_is_taken_as_it_is(self, scope_map):
        assert (scope_map, []) == read_scope_map(scope_map)

    @given(st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8,
    ))  # fmt: skip
    def test_whatever_comes_is_read_or_refused(self, anything):
        scope_map, problems = read_scope_map(anything)

        assert bool(scope_map) != bool(problems)

    def test_everything_that_is_wrong_is_told_at_once(self):
        body = {
            "source": "!", "target_slug": 7, "extra": 1,
            "scope_map": {"": ["x"], "a": [], "b": ["x", "x"], "c": [""], "d": "x", "e": ["a b"]},
        }  # fmt: skip

        problems = list(map(str, read_link(body)[2]))

        assert [
            "extra is not a member of a link",
            "source must be the slug of a resource",
            "target must be the slug of a resource",
            "scope_map has a source scope that is empty or no scope name",
            "scope_map.a must be a list of 1 to 200 target scopes",
            "scope_map.b repeats a target scope",
            "scope_map.c must hold names of target scopes alone",
            "scope_map.d must be a list of 1 to 200 target scopes",
            "scope_map.e must hold names of target scopes alone",
        ] == problems

    def test_what_is_no_scope_name_is_not_repeated(self):
        (problem,) = read_scope_map({"<script>\x00 x": ["y"]})[1]

        assert "script" not in str(problem)

    @pytest.mark.parametrize("name", ["source", "source_slug"])
    def test_both_spellings_of_an_end_are_read(self, name):
        slugs, _, problems = read_link({name: "A", "target": "b", "scope_map": {"x": ["y"]}})

        assert ({"source": "a", "target": "b"}, []) == (slugs, problems)

    def test_two_spellings_that_differ_are_refused(self):
        body = {"source": "a", "source_slug": "c", "target": "b", "scope_map": {"x": ["y"]}}

        assert ["source and source_slug name different resources"] == list(
            map(str, read_link(body)[2])
        )

    def test_a_link_to_itself_is_refused(self):
        problems = read_link({"source": "a", "target": "A", "scope_map": {"x": ["y"]}})[2]

        assert ["target must not be the source itself"] == list(map(str, problems))


@pytest.mark.django_db
class TestFindLink:
    def test_it_goes_one_way_and_is_not_followed_further(self):
        first, second, third = (make_resource() for _ in range(3))
        make_link(first, second)
        make_link(second, third)
        views = {
            name: view_of(row) for name, row in zip("abc", (first, second, third), strict=True)
        }

        found = find_link(views["a"], views["b"])

        assert found is not None
        assert {"read": ("read",), "write": ("write",)} == found.scope_map
        assert find_link(views["b"], views["a"]) is None
        assert find_link(views["a"], views["c"]) is None

    def test_a_change_is_seen_at_once_and_nothing_else_costs_a_statement(self):
        source, target = make_resource(), make_resource()
        ends = view_of(source), view_of(target)
        assert find_link(*ends) is None
        with query_budget(0):
            find_link(*ends)

        link = make_link(source, target, {"read": ["write"]})
        assert {"read": ("write",)} == find_link(*ends).scope_map
        link.delete()
        assert find_link(*ends) is None
