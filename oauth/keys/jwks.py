"""The key document, as bytes that stay the same until a key comes, goes or changes its place."""

from __future__ import annotations

import json

from authplane.core.hashing import b64url, sha256
from oauth.keys import rotation
from oauth.keys.store import KeysInForce, keys_in_force, public_jwks


def key_document() -> tuple[bytes, str]:
    """The document and its entity tag. The first request of all makes the first key.

    Spec: RFC 7517 section 5.
    Raises: KeyUnavailable when there is no key and none can be made.
    """
    global _encoded  # noqa: PLW0603 - the one remembered document of this process
    present, before = keys_in_force(), _encoded
    if before is not None and before[0] is present:
        return before[1:]
    if present.active is None:
        rotation.ensure_first_key()
        present = keys_in_force()
    body = json.dumps({"keys": public_jwks()}, separators=(",", ":")).encode()
    _encoded = (present, body, entity_tag(body))
    return _encoded[1:]


def entity_tag(body: bytes) -> str:
    """A strong validator of ``body`` (RFC 9110 section 8.8.3)."""
    return f'"{b64url(sha256(body)[:15])}"'


_encoded: tuple[KeysInForce, bytes, str] | None = None
