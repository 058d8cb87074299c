"""Digests, comparisons and random values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authplane.core import hashing, ids


def test_sha256_of_text_and_bytes_agree():
    assert hashing.sha256("abc") == hashing.sha256(b"abc")
    assert hashing.sha256("abc").hex() == hashing.sha256_hex("abc")
    assert hashing.sha256_hex("abc").startswith("ba7816bf")


def test_comparison_accepts_any_text():
    assert hashing.constant_time_equals("päss\udcff", "päss\udcff")
    assert not hashing.constant_time_equals("a", "b")
    assert hashing.constant_time_equals(b"a", "a")


def test_secrets_have_256_bits_and_never_repeat():
    values = {hashing.new_secret() for _ in range(1000)}

    assert len(values) == 1000
    assert all(len(hashing.b64url_decode(value)) == 32 for value in values)


@given(st.binary(max_size=64))
def test_base64url_round_trips(value):
    assert hashing.b64url_decode(hashing.b64url(value)) == value


@pytest.mark.spec("RFC 7515", "2", "MUST", "base64url has no padding and no other characters")
@pytest.mark.parametrize("text", ["YQ==", "YR", "a", "Y Q", "Y+8", "ä", "YQ\n", "YWI="])
def test_any_other_spelling_of_base64url_is_refused(text):
    with pytest.raises(ValueError):
        hashing.b64url_decode(text)


def test_row_ids_are_version_7_and_ascend():
    values = [ids.uuid7() for _ in range(500)]

    assert values == sorted(values)
    assert {value.version for value in values} == {7}
