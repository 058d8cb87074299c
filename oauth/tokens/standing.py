"""Whether an issued token still counts, and whose it is: read from the database, never cached."""

import json
import uuid
from dataclasses import dataclass
from typing import Any, Final

from django.db import connection
from django.db.models import UUIDField

from authplane.accounts.models import User
from oauth.models import Client


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A ledger row with everything that can end its token."""

    jti: uuid.UUID
    application_id: uuid.UUID | None
    user_id: uuid.UUID | None
    actors: dict[str, Any] | None
    username: str
    ended_because: str

    @property
    def is_live(self) -> bool:
        """Nothing has ended the token before its time."""
        return not self.ended_because


def read_standing(jti: uuid.UUID) -> Standing | None:
    """The token's standing; None when the ledger does not know it. One statement.

    Family, client and user are joined by id without constraints: a row that is gone counts as one
    that ended, because ids are never reused.
    """
    with connection.cursor() as cursor:
        # A plain cursor: building a model costs more than the statement itself.
        cursor.execute(_QUERY, [_ID.get_db_prep_value(jti, connection)])
        row = cursor.fetchone()
    if row is None:
        return None
    application_id, user_id, actors, username, *state = row
    return Standing(
        jti=jti,
        application_id=_ID.to_python(application_id),
        user_id=_ID.to_python(user_id),
        actors=json.loads(actors) if isinstance(actors, str) else actors,
        username=username or "",
        ended_because=_ended_because(user_id is not None, *state),
    )


def _ended_because(
    of_a_user: bool,
    revoked_at: object,
    client_status: str | None,
    user_status: str | None,
    family_has_ended: object,
) -> str:
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
_QUERY: Final = (
    "SELECT token.application_id, token.user_id, token.actors, person.email, "
    "token.revoked_at, client.status, person.status, "
    # A family that is gone has ended as well.
    "token.family_id IS NOT NULL AND (family.id IS NULL OR family.revoked_at IS NOT NULL) "
    "FROM oauth_accesstoken AS token "
    "LEFT JOIN oauth_tokenfamily AS family ON family.id = token.family_id "
    "LEFT JOIN oauth_client AS client ON client.id = token.application_id "
    "LEFT JOIN accounts_user AS person ON person.id = token.user_id "
    "WHERE token.id = %s"
)
