"""Marks: keyed digests that show that a value was made here and for which purpose.

A purpose is part of the digest, so that a mark made for one form or link opens no other.
"""

import hashlib
import hmac
from collections.abc import Iterable

from authplane.core.hashing import b64url, constant_time_equals


def mark(value: str, *, purpose: str, key: str) -> str:
    """The mark of `value` under `key`: HMAC-SHA256 in base64url, 43 characters."""
    return b64url(hmac.digest(_key_bytes(key), _message(value, purpose), hashlib.sha256))


def is_marked(value: str, *, presented: str, purpose: str, keys: Iterable[str]) -> bool:
    """`presented` is the mark of `value` under one of the keys; empty keys are no keys."""
    return any(
        constant_time_equals(mark(value, purpose=purpose, key=key), presented)
        for key in keys
        if key
    )


def _key_bytes(key: str) -> bytes:
    if not key:
        raise ValueError("a mark without a key proves nothing")
    return key.encode()


def _message(value: str, purpose: str) -> bytes:
    # The purpose is one of our constants and never holds NUL, so that no two pairs collide.
    return f"{purpose}\0{value}".encode()
