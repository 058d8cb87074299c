"""Sealing of values at rest: AES-256-GCM under a key of each record's own.

The envelope is one version byte, the id of the master key (4 bytes), the nonce (12 bytes) and the
ciphertext with its tag. The context (table, row, column) is associated data, so that a value moved
to another row does not open there.
"""

from __future__ import annotations

import os
import time
from functools import lru_cache
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from authplane.core import metrics
from authplane.core.config import config
from authplane.core.datakeys import DataKeyUnavailable, open_data_key
from authplane.core.hashing import sha256

if TYPE_CHECKING:
    from collections.abc import Iterator

DRIVER = "aes_master"
VERSION_MASTER = 1
VERSION_SECRET = 2
KEY_ID_BYTES = 4
NONCE_BYTES = 12
TAG_BYTES = 16
HEADER_BYTES = 1 + KEY_ID_BYTES + NONCE_BYTES
KEY_NAME_BYTES = 1 + KEY_ID_BYTES
"""How many bytes at the beginning of a sealed value say what sealed it."""


class CryptoError(Exception):
    """A sealed value cannot be opened, or there is no key to seal with."""


def seal(plaintext: bytes, *, context: str) -> bytes:
    """``plaintext`` sealed under the present data key and bound to ``context``.

    Raises: CryptoError when no data key is configured.
    """
    return _encrypt(plaintext, master=_present_key(), context=context, version=VERSION_MASTER)


def open_sealed(blob: bytes, *, context: str) -> bytes:
    """The plaintext of a value sealed with the present or the old data key for this context.

    Raises: CryptoError.
    """
    key_id = _key_id_of(blob, version=VERSION_MASTER)
    for master in _known_keys():
        if _key_id(master) == key_id:
            return _decrypt(blob, master=master, context=context)
    raise _failed("decrypt", "sealed with a data key that is not configured")


def needs_rewrap(blob: bytes) -> bool:
    """Whether a sealed value should be sealed anew because its key is no longer the present one.

    Raises: CryptoError when it is no sealed value.
    """
    return _key_id_of(blob, version=VERSION_MASTER) != _key_id(_present_key())


def present_key_name() -> bytes:
    """What every value begins with that the present data key sealed.

    Raises: CryptoError when no data key is configured.
    """
    return _key_name(_present_key())


def known_key_names() -> set[bytes]:
    """What sealed values begin with that can be opened; none without a data key.

    Raises: CryptoError when a configured key cannot be had.
    """
    if not config().secrets.data:
        return set()
    return {_key_name(master) for master in _known_keys()}


def open_data_keys() -> None:
    """Every configured data key is open in this process; nothing without one.

    Raises: CryptoError.
    """
    known_key_names()


def seal_under(secret: str, plaintext: bytes, *, context: str) -> bytes:
    """``plaintext`` sealed so that only a holder of ``secret`` can open it.

    For secrets of high entropy that are themselves stored only as a hash: the database alone then
    reveals nothing. The key is derived from the secret itself, never from its plain SHA-256,
    because that very digest is what the database stores beside the sealed value.
    """
    return _encrypt(plaintext, master=secret.encode(), context=context, version=VERSION_SECRET)


def open_under(secret: str, blob: bytes, *, context: str) -> bytes:
    """The plaintext of a value sealed under ``secret``.

    Raises: CryptoError.
    """
    _key_id_of(blob, version=VERSION_SECRET)
    return _decrypt(blob, master=secret.encode(), context=context)


def _key_name(master: bytes) -> bytes:
    return bytes([VERSION_MASTER]) + _key_id(master)


def _present_key() -> bytes:
    key = config().secrets.data
    if not key:
        raise _failed("encrypt", "no data key is configured")
    return _opened(key)


def _known_keys() -> Iterator[bytes]:
    yield _present_key()
    if config().secrets.data_old:
        yield _opened(config().secrets.data_old)


def _opened(text: str) -> bytes:
    try:
        return open_data_key(text)
    except DataKeyUnavailable as error:
        raise CryptoError(str(error)) from None


@lru_cache(maxsize=8)
def _key_id(master: bytes) -> bytes:
    """A name for a key that does not reveal it."""
    return sha256(b"authplane data key id" + master)[:KEY_ID_BYTES]


def _record_key(master: bytes, *, nonce: bytes, context: str) -> AESGCM:
    """A key for this one record.

    Random 96-bit nonces may be used about 2^32 times under one key; deriving a key per record from
    nonce and context takes that limit away.
    """
    derived = HKDF(
        algorithm=SHA256(), length=32, salt=nonce, info=b"authplane record\x00" + context.encode()
    ).derive(master)
    return AESGCM(derived)


def _encrypt(plaintext: bytes, *, master: bytes, context: str, version: int) -> bytes:
    started = time.perf_counter()
    # A key derived from a presented secret must not be named: the name would be a second,
    # differently computed trace of the secret next to its hash.
    key_id = _key_id(master) if version == VERSION_MASTER else bytes(KEY_ID_BYTES)
    nonce = os.urandom(NONCE_BYTES)
    header = bytes([version]) + key_id + nonce
    cipher = _record_key(master, nonce=nonce, context=context)
    blob = header + cipher.encrypt(nonce, plaintext, header + context.encode())
    _observe("encrypt", started)
    return blob


def _decrypt(blob: bytes, *, master: bytes, context: str) -> bytes:
    started = time.perf_counter()
    header, body = blob[:HEADER_BYTES], blob[HEADER_BYTES:]
    nonce = header[-NONCE_BYTES:]
    cipher = _record_key(master, nonce=nonce, context=context)
    try:
        plaintext = cipher.decrypt(nonce, body, header + context.encode())
    except InvalidTag:
        raise _failed("decrypt", "sealed for another place or key, or altered") from None
    _observe("decrypt", started)
    return plaintext


def _key_id_of(blob: bytes, *, version: int) -> bytes:
    if len(blob) < HEADER_BYTES + TAG_BYTES or blob[0] != version:
        raise _failed("decrypt", "not a sealed value of the expected kind")
    return blob[1 : 1 + KEY_ID_BYTES]


def _observe(operation: str, started: float) -> None:
    metrics.histogram("authserver_encrypt_duration_seconds").labels(
        driver=DRIVER, operation=operation
    ).observe(time.perf_counter() - started)


def _failed(operation: str, message: str) -> CryptoError:
    """The error to raise; it is counted."""
    metrics.counter("authserver_encrypt_errors_total").labels(
        driver=DRIVER, operation=operation, error_type="CryptoError"
    ).inc()
    return CryptoError(message)
