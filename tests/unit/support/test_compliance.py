"""The specification matrix says what was proven, not what was hoped."""

from __future__ import annotations

import json

import pytest

from tests.support.compliance import Rule, was_refused, write_matrix

RULE = Rule("RFC 7636", "4.6", "MUST", "the verifier is checked")


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 400, "location": "", "body": b"{}"},
        {"status": 303, "location": "https://c.example/cb?error=access_denied", "body": b""},
        {"status": 303, "location": "https://c.example/cb#error=x", "body": b""},
        {"status": 200, "location": "", "body": b'{"active": false}'},
    ],
)
def test_a_refusal_is_recognised(answer):
    assert was_refused(**answer)


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 200, "location": "", "body": b'{"active": true}'},
        {"status": 200, "location": "", "body": b"{not json"},
        {"status": 303, "location": "https://c.example/cb?code=x", "body": b""},
    ],
)
def test_a_success_is_not_taken_for_a_refusal(answer):
    assert not was_refused(**answer)


def matrix(folder, rows, required=()):
    target = folder / "matrix.md"
    write_matrix(target, rows=rows, required=list(required))
    return json.loads(target.with_suffix(".json").read_text()), target.read_text()


def test_a_requirement_without_a_test_is_listed_as_such(tmp_path):
    rows, page = matrix(tmp_path, {}, [RULE])

    assert [row["state"] for row in rows] == ["none"]
    assert "| 4.6 | MUST | the verifier is checked | none | - |" in page


def test_one_failing_test_spoils_a_row(tmp_path):
    rows, _ = matrix(tmp_path, {RULE: {"a": "refused", "b": "failing"}}, [RULE])

    assert [row["state"] for row in rows] == ["failing"]


def test_a_row_without_a_refusal_does_not_count_as_proof(tmp_path):
    rows, _ = matrix(tmp_path, {RULE: {"a": "shown"}}, [RULE])

    assert [row["state"] for row in rows] == ["shown"]


def test_sections_are_ordered_as_numbers(tmp_path):
    rules = [Rule("RFC 6749", section, "MUST", "x") for section in ("10.1", "4.1.2", "4.1")]

    rows, _ = matrix(tmp_path, {}, rules)

    assert [row["section"] for row in rows] == ["4.1", "4.1.2", "10.1"]
