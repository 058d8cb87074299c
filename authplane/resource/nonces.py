"""Nonces without memory: a moment and its mark, so that every replica knows every other's."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import struct
from dataclasses import dataclass, field
from typing import Final

LIFETIME: Final = 300
"""Seconds in which a nonce is accepted; from half of it on, answers carry a new one."""

_MARK: Final = 16
_MOMENT: Final = struct.Struct(">Q")


@dataclass(frozen=True, slots=True)
class Nonces:
    """Nonces under one secret of this resource server.

    Spec: RFC 9449 section 8 (unpredictable, and the server decides how long it lasts).
    """

    secret: bytes = field(repr=False)

    def new(self, now: float) -> str:
        """A nonce as of `now` (epoch seconds)."""
        moment = _MOMENT.pack(max(0, int(now)))
        return base64.urlsafe_b64encode(moment + self._mark(moment)).decode()

    def age(self, presented_nonce: object, *, now: float) -> float | None:
        """How many seconds old it is; None when it is not one of ours or has lapsed."""
        if not isinstance(presented_nonce, str):
            return None
        try:
            raw = base64.urlsafe_b64decode(presented_nonce.encode("ascii"))
        except (binascii.Error, ValueError):
            return None
        moment, mark = raw[: _MOMENT.size], raw[_MOMENT.size :]
        if len(moment) != _MOMENT.size or not hmac.compare_digest(mark, self._mark(moment)):
            return None
        age = now - float(_MOMENT.unpack(moment)[0])
        # A replica's clock may run ahead of ours.
        return age if -LIFETIME / 2 <= age <= LIFETIME else None

    def _mark(self, moment: bytes) -> bytes:
        return hmac.digest(self.secret, b"dpop-nonce\0" + moment, hashlib.sha256)[:_MARK]
