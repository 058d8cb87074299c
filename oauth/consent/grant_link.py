"""The link under which a user allows what a client's exchange was refused for.

Signed by this server, good for ten minutes and for one user. It holds no credential: whoever has it
can only ask the user it was made for, who has to sign in and decide.
"""

from __future__ import annotations

import base64
import binascii
import json
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from authplane.core.config import config
from authplane.core.hashing import b64url, new_secret
from oauth.sessions.marks import is_marked, mark

PATH: Final = "/consent/grant"
PARAMETER: Final = "request"
LIFETIME: Final = 600
_PURPOSE: Final = "consent-link"
_USER: Final = "consent-link-user"
_MAX_LENGTH: Final = 8_000


@dataclass(frozen=True, slots=True)
class Ask:
    """What a genuine link asks: may this client have these scopes at this resource.

    `user_mark` is a keyed digest of the user's id, so that the link tells nobody who is meant.
    """

    id: str
    client: uuid.UUID
    resource: str
    scopes: tuple[str, ...]
    user_mark: str
    expires_at: int

    def is_expired(self, *, now: datetime) -> bool:
        """Its ten minutes are over."""
        return int(now.timestamp()) >= self.expires_at

    def is_for(self, user_id: uuid.UUID) -> bool:
        """It was made for this user."""
        return is_marked(
            f"{self.id} {user_id}", presented=self.user_mark, purpose=_USER, keys=_keys()
        )


def consent_url(
    *, client: uuid.UUID, resource: str, scopes: tuple[str, ...], user_id: uuid.UUID, now: datetime
) -> str:
    """The absolute URL of the page on which this user can allow it. ``resource`` is a slug."""
    link_id = new_secret(16)
    asked: dict[str, Any] = {
        "id": link_id,
        "client": str(client),
        "resource": resource,
        "scope": " ".join(scopes),
        "user": mark(f"{link_id} {user_id}", purpose=_USER, key=_keys()[0]),
        "exp": int(now.timestamp()) + LIFETIME,
    }
    body = b64url(json.dumps(asked, separators=(",", ":")).encode())
    signed = f"{body}.{mark(body, purpose=_PURPOSE, key=_keys()[0])}"
    issuer = config().server.issuer.rstrip("/")
    return f"{issuer}{PATH}?{urlencode({PARAMETER: signed})}"


def read_link(presented: str) -> Ask | None:
    """What the link asks; None for one that this server did not make. Expiry is asked apart."""
    body, _, proof = presented.partition(".")
    if len(presented) > _MAX_LENGTH or not is_marked(
        body, presented=proof, purpose=_PURPOSE, keys=_keys()
    ):
        return None
    try:
        asked = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except (binascii.Error, ValueError):
        return None
    return Ask(
        id=asked["id"],
        client=uuid.UUID(asked["client"]),
        resource=asked["resource"],
        scopes=tuple(asked["scope"].split()),
        user_mark=asked["user"],
        expires_at=asked["exp"],
    )


def _keys() -> tuple[str, ...]:
    secrets = config().secrets
    return tuple(key for key in (secrets.integrity, secrets.integrity_old) if key)
