"""Nonces that nobody stores: a moment under our digest, which every replica can check."""

from __future__ import annotations

import hmac
from datetime import datetime
from typing import Final

from authplane.core.config import config
from authplane.core.hashing import b64url, b64url_decode, constant_time_equals

_MOMENT: Final = 8
_TAG: Final = 24
_LENGTH: Final = 43
_CLOCKS: Final = 5
"""Seconds by which the clocks of two replicas may differ."""


def new_nonce(*, now: datetime) -> str:
    """A nonce for the proofs of the next `dpop.nonce_ttl` seconds: 43 characters.

    Spec: RFC 9449 section 8: unpredictable, and no more than a way to bound a proof's age.
    """
    moment = int(now.timestamp()).to_bytes(_MOMENT, "big")
    return b64url(moment + _tag(moment, config().secrets.integrity))


def is_current(presented_nonce: str, *, now: datetime) -> bool:
    """The nonce is one of ours and was made within `dpop.nonce_ttl` seconds.

    Each nonce lives as long from its own making, so that a client that was just told one never
    falls between two windows. The integrity key's predecessor counts as well.
    """
    if len(presented_nonce) != _LENGTH:
        return False
    try:
        blob = b64url_decode(presented_nonce)
    except ValueError:
        return False
    moment, tag = blob[:_MOMENT], blob[_MOMENT:]
    secrets = config().secrets
    keys = [key for key in (secrets.integrity, secrets.integrity_old) if key]
    if not any(constant_time_equals(tag, _tag(moment, key)) for key in keys):
        return False
    age = now.timestamp() - int.from_bytes(moment, "big")
    return -_CLOCKS <= age <= config().dpop.nonce_ttl


def _tag(moment: bytes, key: str) -> bytes:
    return hmac.digest(key.encode(), b"authplane dpop nonce\x00" + moment, "sha256")[:_TAG]
