"""Links never lead back to where they began."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from oauth.resources.fronting.cycles import leads_to

NODES = st.integers(0, 7)
PAIRS = st.tuples(NODES, NODES).filter(lambda pair: pair[0] != pair[1])
PROPOSALS = st.lists(PAIRS, max_size=40, unique=True)


def closure(edges):
    """Every pair of which the second can be reached from the first, by brute force."""
    reached = set(edges)
    while True:
        further = {(a, d) for a, b in reached for c, d in reached if b == c} - reached
        if not further:
            return reached
        reached |= further


@given(PROPOSALS)
def test_what_is_accepted_one_by_one_has_no_cycle(proposals):
    accepted = []
    for source, target in proposals:
        if not leads_to(accepted, start=target, goal=source):
            accepted.append((source, target))

    assert all(first != last for first, last in closure(accepted))


@given(PROPOSALS)
def test_only_what_would_close_a_cycle_is_refused(proposals):
    accepted = []
    for source, target in proposals:
        if leads_to(accepted, start=target, goal=source):
            assert (source, source) in closure([*accepted, (source, target)])
        else:
            accepted.append((source, target))


@given(PROPOSALS, NODES, NODES)
def test_it_is_reachability_even_where_there_are_cycles(edges, start, goal):
    assert leads_to(edges, start=start, goal=goal) == (
        start == goal or (start, goal) in closure(edges)
    )


def test_a_long_line_needs_no_recursion():
    line = [(number, number + 1) for number in range(20_000)]

    assert leads_to(line, start=0, goal=20_000)
    assert not leads_to(line, start=20_000, goal=0)
