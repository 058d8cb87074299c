"""The one table between private reasons and public answers is complete and safe to show."""

from __future__ import annotations

import re

import pytest

from oauth.error_reference import ADVICE, OUTSIDE_THE_TABLE, entries
from oauth.errors import WIRE, OAuthError, Reason

# RFC 6749 section 5.2: no control characters, no quotation mark, no backslash.
ALLOWED = re.compile(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+")


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_an_answer(reason):
    wire = WIRE[reason]

    assert ALLOWED.fullmatch(wire.description)
    assert re.fullmatch(r"[a-z_]+", wire.error)
    assert 400 <= wire.status < 600


@pytest.mark.parametrize("reason", list(Reason))
def test_the_private_reason_is_not_on_the_wire(reason):
    error = OAuthError(reason)

    assert error.error == WIRE[reason].error
    assert error.description == WIRE[reason].description
    assert error.status_code == WIRE[reason].status


def test_every_code_is_explained_and_nothing_else_is():
    explained = {entry.code for entry in entries()}

    assert explained == {wire.error for wire in WIRE.values()} | set(OUTSIDE_THE_TABLE)
    assert explained == set(ADVICE)


def test_the_codes_of_servers_are_explained_in_the_words_of_the_wire():
    from broker.remote.errors import MEANINGS

    known = {entry.code: entry.descriptions for entry in entries()}

    assert {code: (text,) for code, text in MEANINGS.items()}.items() <= known.items()
