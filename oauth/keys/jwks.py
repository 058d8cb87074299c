"""The key document, as bytes that stay the same until a key comes, goes or changes its place."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final, NamedTuple

from authplane.core.hashing import b64url, sha256
from oauth.keys import rotation
from oauth.keys.store import KeysInForce, keys_in_force, public_jwks


class Further(NamedTuple):
    """A member of the document beside the keys."""

    name: str
    entries: tuple[Mapping[str, str], ...]


NOTHING_FURTHER: Final = Further("", ())


def key_document(*, further: Further = NOTHING_FURTHER) -> tuple[bytes, str]:
    """The document and its entity tag. The first request of all makes the first key.

    `further` is the name and the entries of another member of the document, behind the keys.

    Spec: RFC 7517 section 5 (additional members are ignored by those who do not know them).
    Raises: KeyUnavailable when there is no key and none can be made.
    """
    global _encoded  # noqa: PLW0603 - the one remembered document of this process
    present, before = keys_in_force(), _encoded
    if before is not None and before[0] is present and before[1] is further:
        return before[2:]
    if present.active is None:
        rotation.ensure_first_key()
        present = keys_in_force()
    members: dict[str, object] = {"keys": public_jwks()}
    if further is not NOTHING_FURTHER:
        members[further.name] = list(further.entries)
    body = json.dumps(members, separators=(",", ":")).encode()
    _encoded = (present, further, body, entity_tag(body))
    return _encoded[2:]


def entity_tag(body: bytes) -> str:
    """A strong validator of ``body`` (RFC 9110 section 8.8.3)."""
    return f'"{b64url(sha256(body)[:15])}"'


_encoded: tuple[KeysInForce, Further, bytes, str] | None = None
