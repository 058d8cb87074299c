"""What a hop is bound to, under a key that the database does not hold."""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from authplane.core.config import config
from authplane.core.hashing import constant_time_equals, sha256_hex
from broker.models import ConnectState

VERSION = "connect-state-1"
_INFO = b"authplane connect state integrity"
_KEY_ID_LENGTH = 16


def sign(row: ConnectState, *, verifier: str) -> None:
    """The row carries the proof of what it is bound to, and the name of the key."""
    key = next(_keys())
    row.integrity_key = _key_id(key)
    row.integrity = _proof(row, verifier=verifier, key=key)


def is_intact(row: ConnectState, *, verifier: str) -> bool:
    """Whether nothing of the row was changed since it was signed, by a key still in force."""
    return any(
        _key_id(key) == row.integrity_key
        and constant_time_equals(_proof(row, verifier=verifier, key=key), row.integrity)
        for key in _keys()
    )


def _keys() -> Iterator[bytes]:
    """The present key first. A state secret of its own replaces the integrity key here."""
    secrets, own = config().secrets, config().connect.state_secret
    for value in (own,) if own else (secrets.integrity, secrets.integrity_old):
        if value:
            yield _derived(value)


@lru_cache(maxsize=8)
def _derived(value: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=_INFO).derive(value.encode())


def _key_id(key: bytes) -> str:
    return sha256_hex(b"key id" + key)[:_KEY_ID_LENGTH]


def _proof(row: ConnectState, *, verifier: str, key: bytes) -> str:
    # Each field is preceded by its length: no two lists of fields give the same message.
    message = b"".join(
        len(value).to_bytes(4, "big") + value
        for value in (field.encode() for field in _fields(row, verifier=verifier))
    )
    return hmac.new(key, message, sha256).hexdigest()


def _fields(row: ConnectState, *, verifier: str) -> tuple[str, ...]:
    return (
        VERSION,
        str(row.pk),
        row.kind,
        row.state_hash,
        str(row.user_id or ""),
        str(row.provider_id or ""),
        str(row.server_id or ""),
        str(row.proxy_id or ""),
        str(row.identity_provider_id or ""),
        str(row.resource or ""),
        verifier,
        row.browser_hash,
        row.redirect_uri,
        row.return_url,
        row.issuer,
        row.client_id,
        json.dumps(row.scopes),
        json.dumps(row.context, sort_keys=True),
        _moment(row.created_at),
        _moment(row.expires_at),
    )


def _moment(value: datetime) -> str:
    return value.astimezone(UTC).isoformat(timespec="microseconds")
