"""The line a token stands in: what it came from, what came of it, and what each is worth now."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from django.db import connection
from django.db.models import DateTimeField, UUIDField

from oauth.models import AccessToken
from oauth.tokens.standing import MAX_ANCESTORS, ended_because

MAX_TOKENS: Final = 1000
"""Tokens in one answer; somebody who exchanges in a loop must not fill a terminal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kin:
    """A token of the line. `level` is 0 for the token asked about, negative above it.

    `state` is `active`, `expired` or `ended`; `reason` says why it ended: its own reason, or
    `ancestor_ended` when only something above it did. A token that an upstream service issued
    (kind `vend`) ends only by itself.
    """

    jti: uuid.UUID
    parent: uuid.UUID | None
    level: int
    kind: str
    client_id: str
    user_id: uuid.UUID | None
    subject: str
    resource: str
    scope: str
    actors: dict[str, Any] | None
    dpop_jkt: str
    family_id: uuid.UUID | None
    consent_client: str
    issued_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    state: str
    reason: str


@dataclass(frozen=True, slots=True)
class Line:
    """Ancestors first, each token after its parent. `is_cut` when there were more tokens."""

    tokens: tuple[Kin, ...]
    is_cut: bool


def read_line(jti: uuid.UUID, *, now: datetime) -> Line | None:
    """The token with all it came from and all that came of it; None when it is unknown.

    One statement, so that the states fit together.
    """
    key = _ID.get_db_prep_value(jti, connection)
    with connection.cursor() as cursor:
        cursor.execute(_QUERY, [key, key])
        rows = [dict(zip(_NAMES, row, strict=True)) for row in cursor.fetchall()]
    if not any(row["level"] == 0 for row in rows):
        return None
    kept = rows[:MAX_TOKENS]
    return Line(tuple(_in_order(_judged(kept, now=now))), is_cut=len(rows) > len(kept))


def _judged(rows: list[dict[str, Any]], *, now: datetime) -> Iterator[Kin]:
    """The rows come parents first, so that what ended above is known below."""
    ended: set[uuid.UUID] = set()
    known = {_ID.to_python(row["jti"]) for row in rows}
    for row in rows:
        jti, parent = _ID.to_python(row["jti"]), _ID.to_python(row["parent"])
        expires_at = _moment(row["expires"])
        reason = ended_because(
            row["user_id"] is not None,
            row["revoked_at"],
            row["client_status"],
            row["user_status"],
            row["family_has_ended"],
        )
        if not reason and row["consent_revoked_at"] is not None:
            reason = "consent_revoked"
        if row["kind"] == AccessToken.Kind.VEND:
            # The upstream service issued it; nothing that ends here ends it.
            reason = ""
        elif not reason and parent is not None and (parent in ended or parent not in known):
            reason = "ancestor_ended" if parent in ended else "ancestor_unknown"
        if reason:
            ended.add(jti)
        yield Kin(
            jti=jti,
            parent=parent,
            level=row["level"],
            kind=row["kind"],
            client_id=row["client_id"] or "",
            user_id=_ID.to_python(row["user_id"]),
            subject=row["subject"],
            resource=row["resource"],
            scope=row["scope"],
            actors=_json(row["actors"]),
            dpop_jkt=row["dpop_jkt"],
            family_id=_ID.to_python(row["family_id"]),
            consent_client=row["consent_client"] or "",
            issued_at=_moment(row["created"]),
            expires_at=expires_at,
            revoked_at=_moment(row["revoked_at"]) if row["revoked_at"] else None,
            state="ended" if reason else "active" if now < expires_at else "expired",
            reason=reason,
        )


def _in_order(tokens: Iterator[Kin]) -> Iterator[Kin]:
    """Each token behind its parent, so that printing them one by one draws a tree."""
    children: dict[uuid.UUID | None, list[Kin]] = {}
    for token in tokens:
        children.setdefault(token.parent, []).append(token)
    known = {token.jti for group in children.values() for token in group}
    waiting = [
        token for parent, group in children.items() if parent not in known for token in group
    ][::-1]
    while waiting:
        token = waiting.pop()
        yield token
        waiting += children.get(token.jti, [])[::-1]


def _moment(value: Any) -> datetime:
    moment: datetime = DateTimeField().to_python(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _json(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


_ID: Final = UUIDField()
_COLUMNS: Final = {
    "jti": "token.id",
    "level": "kin.level",
    "parent": "token.parent",
    "kind": "token.kind",
    "client_id": "client.client_id",
    "client_status": "client.status",
    "user_id": "token.user_id",
    "user_status": "person.status",
    "subject": "token.subject",
    "resource": "token.resource",
    "scope": "token.scope",
    "actors": "token.actors",
    "dpop_jkt": "token.dpop_jkt",
    "family_id": "token.family_id",
    "family_has_ended": "token.family_id IS NOT NULL "
    "AND (family.id IS NULL OR family.revoked_at IS NOT NULL)",
    "consent_client": "consenting.client_id",
    "consent_revoked_at": "consent.revoked_at",
    "created": "token.created",
    "expires": "token.expires",
    "revoked_at": "token.revoked_at",
}
_NAMES: Final = tuple(_COLUMNS)
_QUERY: Final = (
    "WITH RECURSIVE "  # noqa: S608 - put together from constants of this module
    "up (id, parent, level) AS ("
    "SELECT id, parent, 0 FROM oauth_accesstoken WHERE id = %s "
    "UNION ALL "
    "SELECT above.id, above.parent, up.level - 1 "
    "FROM up JOIN oauth_accesstoken AS above ON above.id = up.parent "
    f"WHERE up.level > -{MAX_ANCESTORS}), "
    "down (id, level) AS ("
    "SELECT id, 1 FROM oauth_accesstoken WHERE parent = %s "
    "UNION ALL "
    "SELECT below.id, down.level + 1 "
    "FROM down JOIN oauth_accesstoken AS below ON below.parent = down.id "
    f"WHERE down.level < {MAX_ANCESTORS}) "
    f"SELECT {', '.join(_COLUMNS.values())} "
    "FROM (SELECT id, level FROM up UNION ALL SELECT id, level FROM down) AS kin "
    "JOIN oauth_accesstoken AS token ON token.id = kin.id "
    "LEFT JOIN oauth_tokenfamily AS family ON family.id = token.family_id "
    "LEFT JOIN oauth_client AS client ON client.id = token.application_id "
    "LEFT JOIN oauth_client AS consenting ON consenting.id = token.consent_client "
    "LEFT JOIN accounts_user AS person ON person.id = token.user_id "
    "LEFT JOIN oauth_resource AS target "
    "ON target.uri = token.resource AND target.uri <> '' AND token.consent_client IS NOT NULL "
    "LEFT JOIN oauth_consentgrant AS consent ON consent.user_id = token.user_id "
    "AND consent.client_id = token.consent_client AND consent.resource_id = target.id "
    f"ORDER BY kin.level, token.id LIMIT {MAX_TOKENS + 1}"
)
