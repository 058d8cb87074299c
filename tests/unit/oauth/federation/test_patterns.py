"""Subject patterns: what they match, what they never match, and what matching costs."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauth.federation.patterns import (
    MAX_PATTERN,
    MAX_SUBJECT,
    fixed_beginning,
    matches,
    pattern_problem,
)
from oauth.federation.presets import PRESETS, pins_down
from oauth.federation.rules import Rule, claim_of, first_match, mismatch

ALPHABET = "ab:/"
patterns = st.text(ALPHABET + "*", min_size=1, max_size=12).filter(lambda text: "***" not in text)
subjects = st.text(ALPHABET, max_size=12)


def as_expression(pattern: str) -> re.Pattern[str]:
    """The same said as a regular expression, which may backtrack for short texts."""
    parts = re.split(r"(\*\*|\*)", pattern)
    said = {"**": ".+", "*": "[^:/]+"}
    return re.compile("".join(said.get(part) or re.escape(part) for part in parts), re.DOTALL)


@pytest.mark.parametrize(
    ("pattern", "subject", "expected"),
    [
        ("job-7", "job-7", True),
        ("job-7", "job-77", False),
        ("job-7", "a-job-7", False),
        ("job-7", "JOB-7", False),
        ("system:serviceaccount:team-a:*", "system:serviceaccount:team-a:web", True),
        ("system:serviceaccount:team-a:*", "system:serviceaccount:team-a:", False),
        ("system:serviceaccount:team-a:*", "system:serviceaccount:team-a:web:x", False),
        ("system:serviceaccount:*:web", "system:serviceaccount:a:b:web", False),
        ("repo:octo/*:ref:refs/heads/main", "repo:octo/widgets:ref:refs/heads/main", True),
        ("repo:octo/*:ref:refs/heads/*", "repo:octo/w:ref:refs/heads/feature/x", False),
        ("repo:octo/*:ref:refs/heads/**", "repo:octo/w:ref:refs/heads/feature/x", True),
        ("repo:octo/**", "repo:octocat/widgets:ref:refs/heads/main", False),
        ("spiffe://example.org/ns/*/sa/web", "spiffe://example.org/ns/a/sa/web", True),
        ("spiffe://example.org/**", "spiffe://example.org.evil.com/x", False),
        ("a.c", "abc", False),
        ("[ab]", "a", False),
        ("a+", "aa", False),
        ("a\\*", "a\\b", True),
        ("**", "", False),
        ("**", "x" * MAX_SUBJECT, True),
        ("**", "x" * (MAX_SUBJECT + 1), False),
        ("", "", False),
    ],
)
def test_what_matches(pattern, subject, expected):
    assert matches(pattern, subject) is expected


@given(patterns, subjects)
def test_it_is_what_the_expression_would_say(pattern, subject):
    assert matches(pattern, subject) == bool(as_expression(pattern).fullmatch(subject))


@given(subjects.filter(bool))
def test_a_pattern_without_wildcards_matches_itself_alone(text):
    assert matches(text, text)
    assert not matches(text, text + "a")
    assert not matches(text, "a" + text)


@given(patterns, subjects)
def test_whatever_matches_begins_as_the_pattern_does(pattern, subject):
    if matches(pattern, subject):
        assert subject.startswith(fixed_beginning(pattern))


@given(st.text(ALPHABET, max_size=4), st.text(ALPHABET, max_size=4), subjects)
def test_a_single_wildcard_never_leaves_its_segment(before, after, middle):
    if matches(f"{before}*{after}", before + middle + after):
        assert not {":", "/"} & set(middle)


def test_no_pattern_makes_matching_expensive():
    """A backtracking matcher would need years for this one."""
    pattern = "**a*" * (MAX_PATTERN // 4 - 1) + "b"
    subject = "a" * MAX_SUBJECT
    begun = time.perf_counter()

    assert not matches(pattern, subject)
    assert time.perf_counter() - begun < 0.5


@pytest.mark.parametrize(
    "pattern", [None, 7, "", "x" * (MAX_PATTERN + 1), "a b", "a\n", "\N{SNOWMAN}", "a***", "****"]
)
def test_what_is_no_pattern(pattern):
    assert pattern_problem(pattern)


@given(patterns, subjects, st.sampled_from(sorted(PRESETS)))
def test_no_rule_of_a_preset_lets_strangers_in(pattern, subject, name):
    """A rule without claims fixes the beginning that tells one tenant from another."""
    preset = PRESETS[name]
    whole = {"kubernetes": "system:serviceaccount:", "github_actions": "repo:", "spiffe": "spiffe:"}
    pattern = whole.get(name, "") + pattern

    if pins_down(preset, fixed_beginning=fixed_beginning(pattern), claims=()):
        assert preset.fixed.match(fixed_beginning(pattern))
        assert not matches(pattern, "z" + subject)


values = st.one_of(st.booleans(), st.integers(-2, 2), st.text("ab", min_size=1, max_size=2))


@given(values, values)
def test_claims_are_equal_in_type_and_value(wanted, presented):
    rule = Rule(subject="a", client_id="c", claims={"x": wanted})
    same = type(wanted) is type(presented) and wanted == presented

    assert (mismatch(rule, subject="a", claims={"x": presented}) == "") == same
    assert (mismatch(rule, subject="a", claims={"x": [presented]}) == "") == same
    assert mismatch(rule, subject="a", claims={}) == "x"


@given(st.lists(patterns, max_size=5), subjects)
def test_the_first_rule_that_matches_wins(texts, subject):
    rules = [Rule(subject=text, client_id=str(n)) for n, text in enumerate(texts)]
    fitting = [rule for rule in rules if matches(rule.subject, subject)]

    assert first_match(rules, subject=subject, claims={}) == (fitting[0] if fitting else None)


def test_claims_below_claims_are_reached_by_a_path():
    claims = {"kubernetes.io": {"serviceaccount": {"name": "web"}}, "a/b": 1, "a": {"b": 2}}

    assert claim_of(claims, "kubernetes.io/serviceaccount/name") == "web"
    assert claim_of(claims, "a/b") == 1
    assert claim_of(claims, "kubernetes.io/serviceaccount/name/x") is None
    assert claim_of(claims, "nothing") is None
