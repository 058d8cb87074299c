"""Read a refresh token and judge its history. Spending it is the ledger's work."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import connection
from django.db.models import OuterRef, Subquery

from authplane.accounts.models import User
from authplane.core.hashing import sha256_hex
from oauth.models import Client, RefreshToken
from oauth.tokens.codes import read_texts

_MAX_LENGTH: Final = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRefresh:
    """A refresh token's row with its family and its user's status, read in one statement."""

    id: uuid.UUID
    family_id: uuid.UUID
    created: datetime
    expires: datetime
    consumed_at: datetime | None
    successor_consumed_at: datetime | None
    replay_digest: str
    replay_sealed: bytes | None
    client_pk: uuid.UUID
    client_is_active: bool
    user_id: uuid.UUID
    user_is_active: bool
    username: str
    scope: str
    resource: str
    dpop_jkt: str
    auth_time: datetime
    acr: str
    amr: tuple[str, ...]
    projects: tuple[str, ...]
    family_expires_at: datetime
    family_revoked_at: datetime | None


def read_refresh(presented_token: str, *, issuer: str = "") -> StoredRefresh | None:
    """The row behind a refresh token of this issuer, used or not; None without one.

    One statement.
    """
    if not presented_token or len(presented_token) > _MAX_LENGTH:
        return None
    row = _read_row(sha256_hex(presented_token), issuer=issuer)
    if row is None:
        return None
    values = dict(zip(_FIELDS, row, strict=True))
    sealed = values["replay_sealed"]
    return StoredRefresh(
        **values
        | {
            "client_is_active": values["client_is_active"] == Client.Status.ACTIVE,
            "user_is_active": values["user_is_active"] == User.Status.ACTIVE,
            "username": values["username"] or "",
            "replay_sealed": bytes(sealed) if sealed is not None else None,
            "amr": read_texts(values["amr"]),
            "projects": read_texts(values["projects"]),
        }
    )


def _read_row(checksum: str, *, issuer: str) -> tuple[Any, ...] | None:
    """The columns of `_COLUMNS`. PostgreSQL gets a finished text.

    Composing this query takes Django longer than everything else in a refresh together.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(_QUERY, [issuer, checksum])
            found: tuple[Any, ...] | None = cursor.fetchone()
            return found
    successor = RefreshToken.objects.filter(pk=OuterRef("successor")).values("consumed_at")[:1]
    rows = (
        RefreshToken.objects.filter(token_checksum=checksum, family__issuer=issuer)
        .annotate(successor_consumed_at=Subquery(successor))
        .values_list(*_COLUMNS)
    )
    first: tuple[Any, ...] | None = rows.first()
    return first


def replay_digest(*, scope: str, resources: tuple[str, ...]) -> str:
    """What the client asked for, so that only the same question gets the same answer again."""
    return sha256_hex("\x1f".join([scope, *resources]))


def seal_context(token_id: uuid.UUID) -> str:
    """The place a sealed answer belongs to."""
    return f"oauth_refreshtoken:{token_id}:replay_sealed"


_COLUMNS: Final = (
    "id",
    "family_id",
    "created",
    "expires",
    "consumed_at",
    "successor_consumed_at",
    "replay_digest",
    "replay_sealed",
    "family__client_id",
    "family__client__status",
    "family__user_id",
    "family__user__status",
    "family__user__email",
    "family__scope",
    "family__resource",
    "family__dpop_jkt",
    "family__auth_time",
    "family__acr",
    "family__amr",
    "family__projects",
    "family__expires_at",
    "family__revoked_at",
)
_FIELDS: Final = (
    *_COLUMNS[:8],
    "client_pk",
    "client_is_active",
    "user_id",
    "user_is_active",
    "username",
    "scope",
    "resource",
    "dpop_jkt",
    "auth_time",
    "acr",
    "amr",
    "projects",
    "family_expires_at",
    "family_revoked_at",
)
_QUERY: Final = (
    "SELECT held.id, held.family_id, held.created, held.expires, held.consumed_at, "
    "successor.consumed_at, held.replay_digest, held.replay_sealed, family.client_id, "
    "client.status, family.user_id, person.status, person.email, family.scope, "
    "family.resource, family.dpop_jkt, family.auth_time, family.acr, family.amr, "
    "family.projects, family.expires_at, family.revoked_at "
    "FROM oauth_refreshtoken AS held "
    "JOIN oauth_tokenfamily AS family ON family.id = held.family_id AND family.issuer = %s "
    "JOIN oauth_client AS client ON client.id = family.client_id "
    "JOIN accounts_user AS person ON person.id = family.user_id "
    "LEFT JOIN oauth_refreshtoken AS successor ON successor.id = held.successor "
    "WHERE held.token_checksum = %s"
)
