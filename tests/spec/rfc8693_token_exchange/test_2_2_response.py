"""RFC 8693 section 2.2: what comes back from an exchange that is permitted."""

from __future__ import annotations

from tests.support.exchanging import ACCESS_TOKEN


def test_the_answer(delegation):
    delegation.consent("read", "write")

    answer = delegation.exchange(scope="read")

    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert {
        "issued_token_type": ACCESS_TOKEN, "token_type": "Bearer", "scope": "read",
    }.items() <= body.items()  # fmt: skip
    assert set(body) == {
        "access_token", "issued_token_type", "token_type", "expires_in", "scope",
    }  # fmt: skip
