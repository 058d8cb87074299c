"""Signing keys as operators see them. Nothing of a private part."""

from __future__ import annotations

from typing import Any, Final

from authplane.core import clock
from authplane.core.clock import as_text
from oauth.keys.record import KeyRecord, State, published_keys, state_of
from oauth.keys.rotation import Rotation
from oauth.keys.snapshot import driver

CURRENT: Final = "current"
PREVIOUS: Final = "previous"


def shown_keys() -> list[dict[str, Any]]:
    """The keys that are published now, the one that signs first; read anew.

    Raises: KeyUnavailable.
    """
    keys, now = driver().read(), clock.now()
    return [
        _shown(key, state_of(key, among=keys, now=now)) for key in published_keys(keys, now=now)
    ]


def shown_rotation(done: Rotation) -> dict[str, Any]:
    """What a rotation led to. `changed` is false when the next key was waiting already."""
    return {
        "kid": done.kid,
        "alg": done.algorithm,
        "status": _status(done.state),
        "state": str(done.state),
        "activates_at": as_text(done.activates_at),
        "changed": done.changed,
        "withdrawn": list(done.withdrawn),
    }


def _shown(key: KeyRecord, state: State) -> dict[str, Any]:
    """`expires_at` is when the key leaves the document; null until a successor is known."""
    return {
        "kid": key.kid,
        "alg": key.algorithm,
        "use": "sig",
        "status": _status(state),
        "state": str(state),
        "created_at": as_text(key.created_at),
        "activates_at": as_text(key.activates_at),
        "expires_at": as_text(key.expires_at) if key.expires_at else None,
    }


def _status(state: State) -> str:
    """The two words that callers of AuthPlane know: an upcoming key is `previous`, too."""
    return CURRENT if state is State.ACTIVE else PREVIOUS
