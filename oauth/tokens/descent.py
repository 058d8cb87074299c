"""Mark what descends from a consent: its tokens and everything that was exchanged from them.

The marks are for whoever reads the ledger later. What a token is worth at this moment never hangs
on them: `oauth.tokens.standing` asks the tokens above it and the consents they rest on.
"""

import uuid
from datetime import datetime
from typing import Any, Final

from django.db import connection
from django.db.models import DateTimeField, UUIDField


def revoke_resting_on(
    *,
    user_id: uuid.UUID,
    client_pk: uuid.UUID,
    audience: str,
    cause: str,
    now: datetime,
    its_own_too: bool = True,
) -> int:
    """Tokens in force that rest on this consent are revoked, at any depth; how many. One statement.

    They are the client's own tokens for the resource, unless ``its_own_too`` says otherwise, tokens
    that anybody got there by exchange because of this consent, and what was exchanged from either.
    What an upstream service issued stays as it is: that token is not ours to end. Runs inside the
    caller's transaction.
    """
    user, client, moment = _uuid(user_id), _uuid(client_pk), _moment(now)
    own = client if its_own_too else None
    with connection.cursor() as cursor:
        cursor.execute(_REVOKE, [moment, cause, user, audience, own, client, moment, moment])
        return int(cursor.rowcount)


def _uuid(value: uuid.UUID) -> Any:
    return UUIDField().get_db_prep_value(value, connection)


def _moment(value: datetime) -> Any:
    return DateTimeField().get_db_prep_value(value, connection)


_REVOKE: Final = (
    "UPDATE oauth_accesstoken SET revoked_at = %s, revoked_reason = %s "
    "WHERE revoked_at IS NULL AND kind <> 'vend' AND id IN ("
    "WITH RECURSIVE reached (id) AS ("
    "SELECT own.id FROM oauth_accesstoken AS own "
    "WHERE own.user_id = %s AND own.resource = %s "
    "AND (own.application_id = %s OR own.consent_client = %s) AND own.expires > %s "
    # Not UNION ALL: no row is reached twice, whatever the parents say.
    "UNION "
    "SELECT below.id FROM reached JOIN oauth_accesstoken AS below ON below.parent = reached.id "
    "WHERE below.expires > %s) "
    "SELECT reached.id FROM reached)"
)
