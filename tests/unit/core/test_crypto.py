"""Sealing at rest."""

from __future__ import annotations

import pytest
from cryptography.exceptions import InvalidTag

from authplane.core import crypto
from authplane.core.config import override_config
from authplane.core.crypto import (
    CryptoError,
    needs_rewrap,
    open_sealed,
    open_under,
    seal,
    seal_under,
)
from authplane.core.hashing import sha256, sha256_hex

PLACE = "oauth_signingkey:1:private"


def test_what_is_sealed_opens_in_its_place():
    blob = seal(b"private key", context=PLACE)

    assert open_sealed(blob, context=PLACE) == b"private key"
    assert b"private key" not in blob
    assert not needs_rewrap(blob)


def test_two_seals_of_one_value_differ():
    assert seal(b"x", context=PLACE) != seal(b"x", context=PLACE)


def test_a_value_moved_to_another_row_does_not_open():
    blob = seal(b"x", context=PLACE)

    with pytest.raises(CryptoError):
        open_sealed(blob, context="oauth_signingkey:2:private")


@pytest.mark.parametrize("position", [0, 1, 5, 17, -1])
def test_a_changed_byte_does_not_open(position):
    blob = bytearray(seal(b"x" * 40, context=PLACE))
    blob[position] ^= 1

    with pytest.raises(CryptoError):
        open_sealed(bytes(blob), context=PLACE)


@pytest.mark.parametrize("blob", [b"", b"\x01", b"\x01" * 32, b"\x07" + b"0" * 60])
def test_what_was_never_sealed_does_not_open(blob):
    with pytest.raises(CryptoError):
        open_sealed(blob, context=PLACE)


@pytest.mark.shows("setting", "data_encryption.key", "data_encryption.key_old")
def test_after_a_key_change_old_values_open_until_the_old_key_is_removed():
    with override_config(secrets={"data": "11" * 32, "data_old": ""}):
        blob = seal(b"x", context=PLACE)
    with override_config(secrets={"data": "22" * 32, "data_old": "11" * 32}):
        assert open_sealed(blob, context=PLACE) == b"x"
        assert needs_rewrap(blob)
        assert not needs_rewrap(seal(b"x", context=PLACE))
    with override_config(secrets={"data": "22" * 32, "data_old": ""}), pytest.raises(CryptoError):
        open_sealed(blob, context=PLACE)


def test_without_a_key_nothing_is_sealed():
    with override_config(secrets={"data": ""}), pytest.raises(CryptoError):
        seal(b"x", context=PLACE)


def test_a_value_sealed_under_a_secret_opens_with_that_secret_only():
    blob = seal_under("refresh-token", b"response", context=PLACE)

    assert open_under("refresh-token", blob, context=PLACE) == b"response"
    for secret, context in (("other", PLACE), ("refresh-token", "elsewhere")):
        with pytest.raises(CryptoError):
            open_under(secret, blob, context=context)


def test_the_two_kinds_of_seal_are_not_interchangeable():
    with pytest.raises(CryptoError):
        open_sealed(seal_under("s", b"x", context=PLACE), context=PLACE)
    with pytest.raises(CryptoError):
        open_under("s", seal(b"x", context=PLACE), context=PLACE)


def test_the_stored_hash_of_a_secret_does_not_open_what_was_sealed_under_it() -> None:
    """Tables keep SHA-256 of a token beside what is sealed under the token itself."""
    blob = crypto.seal_under("token", b"answer", context="place")
    for stored in (sha256("token"), sha256_hex("token").encode()):
        nonce = blob[crypto.HEADER_BYTES - crypto.NONCE_BYTES : crypto.HEADER_BYTES]
        cipher = crypto._record_key(stored, nonce=nonce, context="place")
        with pytest.raises(InvalidTag):
            cipher.decrypt(
                nonce, blob[crypto.HEADER_BYTES :], blob[: crypto.HEADER_BYTES] + b"place"
            )
