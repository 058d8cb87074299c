"""Whether an issued token still counts, and whose it is: read from the database, never cached.

A token that was exchanged counts only as long as everything it came from: the tokens above it, up
to the first one, and the consents they rest on. That is read when the question is asked and is
marked nowhere, so that an exchange which runs beside a revocation cannot leave a live token behind.
"""

import json
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from django.db import connection
from django.db.models import UUIDField

from audit.record import PreparedEvent
from authplane.accounts.models import User
from oauth.models import Client
from oauth.resources.rules import is_still_acceptable
from oauth.resources.selectors import resource_of_audience
from oauth.tokens.ledger_sql import AUDIT_COLUMNS, insert

MAX_ANCESTORS: Final = 32
"""Tokens above a token. An exchange by the client's own hand adds no hop to `act`, but a token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A ledger row with everything that can end its token.

    `ancestors` counts the tokens it came from, one exchange each; 0 for a token that ended because
    of one of them.
    """

    jti: uuid.UUID
    application_id: uuid.UUID | None
    user_id: uuid.UUID | None
    actors: dict[str, Any] | None
    username: str
    ended_because: str
    ancestors: int = 0

    @property
    def is_live(self) -> bool:
        """Nothing has ended the token before its time."""
        return not self.ended_because


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """What the ledger knows of a token's content, for tokens that carry none themselves.

    Sign-in and projects are those of the family it descends from, if it descends from one.
    """

    kind: str
    issuer: str
    client_id: str
    is_agent: bool
    subject: str
    scope: str
    resource: str
    dpop_jkt: str
    created: datetime
    expires: datetime
    auth_time: datetime | None
    acr: str
    amr: tuple[str, ...]
    projects: tuple[str, ...] | None


def read_standing(jti: uuid.UUID) -> Standing | None:
    """The token's standing; None when the ledger does not know it. One statement.

    Family, client and user are joined by id without constraints: a row that is gone counts as one
    that ended, because ids are never reused. So does an ancestor that is gone: a token never
    outlives its subject token, and the ledger keeps a row longer than any token lives. A token
    that the rules of its resource would not allow any more has ended as well.
    """
    row = _read(_QUERY, [jti])
    return _standing(jti, row) if row is not None else None


def read_and_tell(jti: uuid.UUID, *, told: PreparedEvent) -> tuple[Standing | None, bool]:
    """The token's standing and, for a token that counts, `told` in the record. One statement.

    The second value says whether it was recorded. For PostgreSQL, and for tokens of resources
    whose rules end nothing (`rules.ends_nothing`), which no statement could know of.
    """
    row = _read(_QUERY_AND_TELL, [jti, *told])
    if row is None:
        return None, False
    return _standing(jti, row[:-1], ruled=False), bool(row[-1])


def read_standings(first: uuid.UUID, second: uuid.UUID) -> dict[uuid.UUID, Standing]:
    """The standings of two tokens by their ids, of those that the ledger knows. One statement."""
    with connection.cursor() as cursor:
        given = [_ID.get_db_prep_value(jti, connection) for jti in (first, second)]
        cursor.execute(_QUERY_OF_TWO, given)
        rows = {_ID.to_python(row[0]): row[1:] for row in cursor.fetchall()}
    return {jti: _standing(jti, row) for jti, row in rows.items()}


def read_all_standings(ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Standing]:
    """The standings of these tokens by id, of those that the ledger knows. One statement."""
    if not ids:
        return {}
    places = ", ".join(["%s"] * len(ids))
    with connection.cursor() as cursor:
        given = [_ID.get_db_prep_value(jti, connection) for jti in ids]
        cursor.execute(f"{_QUERY_OF_ANY} ({places})", given)
        rows = {_ID.to_python(row[0]): row[1:] for row in cursor.fetchall()}
    return {jti: _standing(jti, row) for jti, row in rows.items()}


def read_described(jti: uuid.UUID) -> tuple[Standing, Described] | None:
    """The same with what the ledger knows of the token's content. One statement."""
    row = _read(_QUERY_DESCRIBED, [jti])
    if row is None:
        return None
    split = len(row) - len(_DESCRIPTION)
    return _standing(jti, row[:split]), _described(*row[split:])


def _read(query: str, values: Sequence[Any]) -> tuple[Any, ...] | None:
    """The one row; the first value is the token's id."""
    jti, *more = values
    with connection.cursor() as cursor:
        # A plain cursor: building a model costs more than the statement itself.
        cursor.execute(query, [_ID.get_db_prep_value(jti, connection), *more])
        row: tuple[Any, ...] | None = cursor.fetchone()
        return row


def _standing(jti: uuid.UUID, row: tuple[Any, ...], *, ruled: bool = True) -> Standing:
    kind, audience, bound_jkt, application_id, user_id, actors, username, *state, lineage = row
    ended = ended_because(user_id is not None, *state) or _LINEAGE.get(lineage, "")
    if ruled and not ended:
        resource = resource_of_audience(audience)
        if not is_still_acceptable(resource, kind=kind, bound_jkt=bound_jkt):
            ended = "resource_policy"
    return Standing(
        jti=jti,
        application_id=_ID.to_python(application_id),
        user_id=_ID.to_python(user_id),
        actors=_json(actors),
        username=username or "",
        ended_because=ended,
        ancestors=max(lineage, 0),
    )


def _described(*row: Any) -> Described:
    values = dict(zip(Described.__dataclass_fields__, row, strict=True))
    amr = _json(values["amr"])
    return Described(
        **values
        | {
            "is_agent": bool(values["is_agent"]),
            "created": _moment(values["created"]),
            "expires": _moment(values["expires"]),
            "auth_time": _moment(values["auth_time"]) if values["auth_time"] else None,
            "acr": values["acr"] or "",
            "amr": tuple(amr or ()),
            "projects": tuple(_json(values["projects"]) or ()) or None,
        }
    )


def _json(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def _moment(value: Any) -> datetime:
    """SQLite keeps moments as texts in UTC."""
    return datetime.fromisoformat(value).replace(tzinfo=UTC) if isinstance(value, str) else value


def ended_because(
    of_a_user: bool,
    revoked_at: object,
    client_status: str | None,
    user_status: str | None,
    family_has_ended: object,
) -> str:
    """Why the token itself ended before its time; empty when it did not."""
    if revoked_at is not None:
        return "issuance_revoked"
    if family_has_ended:
        return "token_revoked"
    if client_status != Client.Status.ACTIVE:
        return "issuing_client_inactive"
    if of_a_user and user_status != User.Status.ACTIVE:
        return "subject_inactive"
    return ""


_ID: Final = UUIDField()
_LINEAGE: Final = {-1: "ancestor_ended", -2: "consent_revoked", -3: "ancestor_unknown"}
_ENDED: Final = (
    # The same that `ended_because` asks of the token itself.
    "line.revoked_at IS NOT NULL "
    "OR (line.family_id IS NOT NULL AND (family.id IS NULL OR family.revoked_at IS NOT NULL)) "
    f"OR client.id IS NULL OR client.status <> '{Client.Status.ACTIVE}' "
    "OR (line.user_id IS NOT NULL "
    f"AND (person.id IS NULL OR person.status <> '{User.Status.ACTIVE}'))"
)
_LINE: Final = (
    "WITH RECURSIVE line "  # noqa: S608 - put together from constants of this module
    "(id, parent, consent_client, user_id, application_id, family_id, resource, revoked_at, above) "
    "AS ("
    "SELECT token.id, token.parent, token.consent_client, token.user_id, token.application_id, "
    "token.family_id, token.resource, token.revoked_at, 0 "
    "UNION ALL "
    "SELECT up.id, up.parent, up.consent_client, up.user_id, up.application_id, up.family_id, "
    "up.resource, up.revoked_at, line.above + 1 "
    "FROM line JOIN oauth_accesstoken AS up ON up.id = line.parent "
    f"WHERE line.above < {MAX_ANCESTORS}) "
    "SELECT CASE "
    f"WHEN MAX(CASE WHEN {_ENDED} THEN 1 ELSE 0 END) = 1 THEN -1 "
    "WHEN MAX(CASE WHEN consent.revoked_at IS NOT NULL THEN 1 ELSE 0 END) = 1 THEN -2 "
    # Only the first token of all has no parent: without it the line is broken, or too long.
    "WHEN MAX(CASE WHEN line.parent IS NULL THEN 1 ELSE 0 END) = 0 THEN -3 "
    "ELSE MAX(line.above) END "
    "FROM line "
    "LEFT JOIN oauth_tokenfamily AS family ON family.id = line.family_id "
    "LEFT JOIN oauth_client AS client ON client.id = line.application_id "
    "LEFT JOIN accounts_user AS person ON person.id = line.user_id "
    "LEFT JOIN oauth_resource AS target "
    "ON target.uri = line.resource AND target.uri <> '' AND line.consent_client IS NOT NULL "
    "LEFT JOIN oauth_consentgrant AS consent ON consent.user_id = line.user_id "
    "AND consent.client_id = line.consent_client AND consent.resource_id = target.id"
)
_COLUMNS: Final = (
    "token.kind, token.resource, token.dpop_jkt, "
    "token.application_id, token.user_id, token.actors, "
    "person.email, token.revoked_at, client.status AS client_status, "
    "person.status AS user_status, "
    # A family that is gone has ended as well.
    "token.family_id IS NOT NULL AND (family.id IS NULL OR family.revoked_at IS NOT NULL) "
    "AS family_ended, "
    # A token of any other grant has nothing above it, and does not pay for the question.
    f"CASE WHEN token.parent IS NULL AND token.consent_client IS NULL THEN 0 ELSE ({_LINE}) END "
    "AS lineage"
)
_COUNTS: Final = (
    # What `ended_because` and the line above ask, for the statement that reads and tells.
    "revoked_at IS NULL AND NOT family_ended AND lineage >= 0 "
    f"AND client_status = '{Client.Status.ACTIVE}' "
    f"AND (user_id IS NULL OR user_status = '{User.Status.ACTIVE}')"
)
_DESCRIPTION: Final = (
    "token.kind",
    "token.issuer",
    "client.client_id",
    "client.is_agent",
    "token.subject",
    "token.scope",
    "token.resource",
    "token.dpop_jkt",
    "token.created",
    "token.expires",
    "origin.auth_time",
    "origin.acr",
    "origin.amr",
    "origin.projects",
)
_TABLES: Final = (
    "FROM oauth_accesstoken AS token "
    "LEFT JOIN oauth_tokenfamily AS family ON family.id = token.family_id "
    "LEFT JOIN oauth_client AS client ON client.id = token.application_id "
    "LEFT JOIN accounts_user AS person ON person.id = token.user_id "
)
_ORIGIN: Final = (
    # The nearest family above: the walk ends at the first row that has one.
    "LEFT JOIN oauth_tokenfamily AS origin ON origin.id = ("  # noqa: S608 - as above
    "WITH RECURSIVE way (family_id, parent, above) AS ("
    "SELECT token.family_id, token.parent, 0 "
    "UNION ALL "
    "SELECT up.family_id, up.parent, way.above + 1 "
    "FROM way JOIN oauth_accesstoken AS up ON up.id = way.parent "
    f"WHERE way.family_id IS NULL AND way.above < {MAX_ANCESTORS}) "
    "SELECT way.family_id FROM way WHERE way.family_id IS NOT NULL) "
)
_QUERY: Final = f"SELECT {_COLUMNS} {_TABLES} WHERE token.id = %s"
_QUERY_AND_TELL: Final = (
    f"WITH standing AS ({_QUERY}), told AS "  # noqa: S608 - as above
    f"({insert('audit_auditevent', AUDIT_COLUMNS, after=f'standing WHERE {_COUNTS}')} RETURNING 1) "
    "SELECT standing.*, EXISTS (SELECT FROM told) FROM standing"
)
_QUERY_OF_ANY: Final = f"SELECT token.id, {_COLUMNS} {_TABLES} WHERE token.id IN"
_QUERY_OF_TWO: Final = f"{_QUERY_OF_ANY} (%s, %s)"
_QUERY_DESCRIBED: Final = (
    f"SELECT {_COLUMNS}, {', '.join(_DESCRIPTION)} {_TABLES} {_ORIGIN} WHERE token.id = %s"
)
