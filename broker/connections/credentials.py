"""What of a credential is kept, and how it is sealed and opened."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from authplane.core.config import config
from broker.models import Connection
from broker.proxies.selectors import proxies
from broker.upstream.base import TokenAnswer
from broker.vault.sealing import open_members, seal_members

TABLE = "broker_connection"
CREDENTIAL, ACCESS = "credential_sealed", "access_sealed"


def seal_credential(row: uuid.UUID, members: dict[str, str]) -> bytes:
    """What lasts: `refresh_token`, `api_key` or `impersonate_sub`. Raises: CryptoError."""
    return seal_members(members, table=TABLE, row=row, column=CREDENTIAL)


def seal_access(row: uuid.UUID, token: str) -> bytes:
    """An access token. Raises: CryptoError."""
    return seal_members({"access_token": token}, table=TABLE, row=row, column=ACCESS)


def credential_of(row: Connection) -> dict[str, Any]:
    """What lasts; empty when nothing does. Raises: CryptoError."""
    if row.credential_sealed is None:
        return {}
    members: dict[str, Any] = open_members(
        row.credential_sealed, table=TABLE, row=row.pk, column=CREDENTIAL
    )
    return members


def access_of(row: Connection) -> str:
    """The latest access token; empty when none is kept. Raises: CryptoError."""
    if row.access_sealed is None:
        return ""
    members = open_members(row.access_sealed, table=TABLE, row=row.pk, column=ACCESS)
    return str(members["access_token"])


def is_kept(row: Connection, *, has_refresh: bool, expires: bool) -> bool:
    """Whether the access token may be given out more than once.

    There is no other one where nothing refreshes it, and no need for one where it does not expire.
    Remote MCP servers, and services behind an OAuth proxy, are called with it on every request.
    """
    return (
        not has_refresh
        or not expires
        or row.server_id is not None
        or config().broker.keep_access_tokens
        or any(proxy.provider_id == row.provider_id for proxy in proxies())
    )


def expiry_of(answer: TokenAnswer, *, asked_at: datetime) -> datetime | None:
    """When the access token ends, counted from when it was asked for; None: it does not."""
    if answer.expires_in is None:
        return None
    return asked_at + timedelta(seconds=answer.expires_in)
