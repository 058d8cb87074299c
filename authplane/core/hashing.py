"""Digests, comparisons and random secrets."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets


def sha256(value: str | bytes) -> bytes:
    """The 32 raw bytes under which a high-entropy handle is stored."""
    return hashlib.sha256(value.encode() if isinstance(value, str) else value).digest()


def sha256_hex(value: str | bytes) -> str:
    """The SHA-256 of ``value`` in lowercase hexadecimal."""
    return hashlib.sha256(value.encode() if isinstance(value, str) else value).hexdigest()


def constant_time_equals(left: str | bytes, right: str | bytes) -> bool:
    """Whether both are equal, in a time that does not tell where they differ."""
    left_bytes = left.encode("utf-8", "surrogatepass") if isinstance(left, str) else left
    right_bytes = right.encode("utf-8", "surrogatepass") if isinstance(right, str) else right
    return hmac.compare_digest(left_bytes, right_bytes)


def new_secret(nbytes: int = 32) -> str:
    """A new random secret of ``nbytes`` bytes in base64url: 256 bits unless told otherwise."""
    return b64url(secrets.token_bytes(nbytes))


def b64url(value: bytes) -> str:
    """``value`` in base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode("ascii")


def b64url_decode(value: str) -> bytes:
    """The bytes behind unpadded base64url.

    Strict: padding, foreign characters and non-zero trailing bits are refused. Lenient decoding
    gives one value several spellings, and a spelling that was not hashed escapes replay checks.

    Raises: ValueError.
    """
    try:
        raw = value.encode("ascii")
        decoded = base64.b64decode(raw + b"=" * (-len(raw) % 4), altchars=b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error) as error:
        message = "not base64url"
        raise ValueError(message) from error
    if b64url(decoded) != value:
        message = "not canonical base64url"
        raise ValueError(message)
    return decoded
