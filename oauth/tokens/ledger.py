"""Record issued tokens: one statement per change of state.

On PostgreSQL a change is a single statement that spends its source, writes the ledger, the refresh
token and the audit row, or does nothing at all: no transaction block, no second round trip, and no
moment in which a half of it is visible. SQLite, which cannot write from a CTE, runs the same steps
in one immediate transaction. Both are held to the same tests.
"""

import json
import math
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import F, Q
from psycopg.errors import ForeignKeyViolation

from audit import sinks
from audit.record import PreparedEvent
from authplane.accounts.models import User
from authplane.core.metrics import counter, histogram
from authplane.core.replay import digest_of, spend_once
from authplane.core.timing import timed
from oauth.models import AccessToken, AuthorizationCode, Client, RefreshToken, TokenFamily
from oauth.tokens import exchange_guard
from oauth.tokens import ledger_rows as rows
from oauth.tokens import ledger_sql as sql
from oauth.tokens.authorization import Authorization
from oauth.tokens.codes import StoredCode
from oauth.tokens.minting import MintedAccess, MintedRefresh
from oauth.tokens.refresh import StoredRefresh

_seconds = histogram("authserver_db_operation_duration_seconds")


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """Tokens that were minted and wait to be recorded, with the audit row that tells of them."""

    authorization: Authorization
    access: MintedAccess
    event: PreparedEvent
    refresh: MintedRefresh | None = None
    refresh_expires_at: datetime | None = None


@timed(_seconds.labels("record_access").observe)
def record_access(issue: Issue, *, served: PreparedEvent | None = None) -> None:
    """The token stands in the ledger and the audit record tells of it. One statement.

    ``served`` is one row more of the record: what the source of a vended token did.
    """
    if connection.vendor == "postgresql":
        values = rows.access_values(issue) + rows.audit_values(issue.event)
        if served is None:
            _execute(sql.ACCESS, values)
        else:
            _execute(sql.VEND, rows.audit_values(served) + values)
    else:
        with transaction.atomic():
            if served is not None:
                rows.audit_row(served).save(force_insert=True)
            _save_access(issue)
    if served is not None:
        sinks.announce(served)
    _announce(issue)


@dataclass(frozen=True, slots=True, kw_only=True)
class OneTimeId:
    """An id that buys one token. It is remembered until ``expires_at``."""

    namespace: str
    value: str
    expires_at: datetime


@timed(_seconds.labels("record_access_once").observe)
def record_access_once(issue: Issue, *, once: OneTimeId, now: datetime) -> bool:
    """The id is spent and the token stands in the ledger; False when it was spent before.

    Then nothing has changed. Always in the database: a second use must be noticed even when Redis
    lost its memory, and an id whose token was not recorded is not lost.
    """
    if connection.vendor == "postgresql":
        digest = digest_of(once.namespace, once.value)
        spend = (digest, once.namespace, once.expires_at, now)
        values = (*spend, *rows.access_values(issue), *rows.audit_values(issue.event))
        recorded = _execute(sql.ACCESS_ONCE, values) == 1
    else:
        with transaction.atomic():
            left = math.ceil((once.expires_at - now).total_seconds())
            recorded = spend_once(once.namespace, once.value, ttl=left, durable=True)
            if recorded:
                _save_access(issue)
    if recorded:
        _announce(issue)
    return recorded


@timed(_seconds.labels("record_exchange").observe)
def record_exchange(issue: Issue, *, consented_at: uuid.UUID | None) -> bool:
    """The token stands in the ledger, if what it came from still counts; else nothing has changed.

    Looked at anew in the statement that records: the subject token, its family, its client and its
    user, the client that acts, and, when the token rests on one, the consent to `consented_at`,
    which is a resource's row id.
    """
    decided = issue.authorization
    acting, parent, scopes = decided.client.pk, decided.parent, list(decided.scope)
    if parent is None:
        raise ValueError("an exchange needs a subject token")
    if connection.vendor == "postgresql":
        guard = (acting, parent, consented_at, consented_at, json.dumps(scopes))
        values = (*guard, *rows.access_values(issue), *rows.audit_values(issue.event))
        recorded = _execute(sql.EXCHANGE, values) == 1
    else:
        with transaction.atomic():
            recorded = exchange_guard.still_good(
                acting=acting, parent=parent, consented_at=consented_at, scopes=scopes
            )
            if recorded:
                _save_access(issue)
    if recorded:
        _announce(issue)
    return recorded


@timed(_seconds.labels("record_in_family").observe)
def record_in_family(issue: Issue, *, now: datetime) -> bool:
    """The token stands in the ledger, if its family still counts; else nothing has changed.

    For tokens that rest on a refresh token which stays as it is. Looked at anew in the statement
    that records: the family, its client and its user.
    """
    family_id = issue.authorization.family_id
    if family_id is None:
        raise ValueError("the token belongs to no family")
    if connection.vendor == "postgresql":
        values = (family_id, now, *rows.access_values(issue), *rows.audit_values(issue.event))
        recorded = _execute(sql.IN_FAMILY, values) == 1
    else:
        with transaction.atomic():
            recorded = _family_counts(family_id, now=now)
            if recorded:
                _save_access(issue)
    if recorded:
        _announce(issue)
    return recorded


@timed(_seconds.labels("redeem_code").observe)
def redeem_code(
    issue: Issue, *, code: StoredCode, family_expires_at: datetime, now: datetime
) -> bool:
    """The code is spent and its tokens exist; False when it was no longer good at that moment.

    Then nothing has changed.

    Spec: RFC 6749 section 4.1.2: a code MUST NOT be used more than once.
    """
    family = rows.family_values(issue, code=code, expires_at=family_expires_at, now=now)
    if connection.vendor == "postgresql":
        statement = sql.REDEEM_CODE if issue.refresh else sql.REDEEM_CODE_WITHOUT_REFRESH
        values = (now, code.id, now, *family, *rows.access_values(issue))
        if issue.refresh:
            values += rows.refresh_values(issue, now=now)
        redeemed = _spend(statement, values + rows.audit_values(issue.event))
    else:
        with transaction.atomic():
            redeemed = _spend_code(code, now=now)
            if redeemed:
                rows.family_row(family).save(force_insert=True)
                _save_access(issue)
                _save_refresh(issue, now=now)
    if redeemed:
        _announce(issue)
    return redeemed


@timed(_seconds.labels("rotate_refresh").observe)
def rotate_refresh(
    issue: Issue, *, spent: StoredRefresh, digest: str, sealed: bytes, now: datetime
) -> bool:
    """The refresh token is used, its successor exists, the answer is kept for the replay window.

    False, and nothing changed, when it was used or its family ended meanwhile.

    Spec: RFC 9700 section 4.14.2.
    """
    if issue.refresh is None:
        raise ValueError("a rotation needs a successor")
    use = (now, issue.refresh.id, digest, sealed, spent.id, now)
    if connection.vendor == "postgresql":
        values = (*use, *rows.access_values(issue), *rows.refresh_values(issue, now=now))
        rotated = _spend(sql.ROTATE_REFRESH, values + rows.audit_values(issue.event))
    else:
        with transaction.atomic():
            rotated = _use_refresh(spent, use=use)
            if rotated:
                _save_access(issue)
                _save_refresh(issue, now=now)
    if rotated:
        _announce(issue)
    return rotated


@timed(_seconds.labels("revoke_access").observe)
def revoke_access(*, jti: uuid.UUID, cause: str, now: datetime) -> bool:
    """The token is revoked in the ledger; False when it was before, or is unknown."""
    changed = AccessToken.objects.filter(pk=jti, revoked_at=None).update(
        revoked_at=now, revoked_reason=cause
    )
    return bool(changed)


def revoke_vends(
    *, user_id: uuid.UUID, resources: Collection[str], cause: str, now: datetime
) -> int:
    """What was vended to the user for these resources is revoked; how many there were.

    Not what has ended by itself. What nobody knows the end of stands as ending when it began.
    """
    rows = AccessToken.objects.filter(
        user_id=user_id,
        kind=AccessToken.Kind.VEND,
        resource__in=tuple(resources),
        revoked_at=None,
    ).filter(Q(expires__gt=now) | Q(expires=F("created")))
    return int(rows.update(revoked_at=now, revoked_reason=cause))


def _announce(issue: Issue) -> None:
    """What is certain now is told: to the log, and to the metrics about agents."""
    sinks.announce(issue.event)
    if issue.authorization.client.is_agent:
        counter("authplane_agent_tokens_issued_total").inc()


def _spend(statement: str, values: tuple[Any, ...]) -> bool:
    """The statement found its source unspent.

    Not so when the client or the user was deleted at this very moment, with all that is theirs.
    """
    try:
        return _execute(statement, values) == 1
    except IntegrityError as error:
        if isinstance(error.__cause__, ForeignKeyViolation):
            return False
        raise


def _execute(statement: str, values: tuple[Any, ...]) -> int:
    """Rows of the change the statement was about."""
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)


def _family_counts(family_id: uuid.UUID, *, now: datetime) -> bool:
    return TokenFamily.objects.filter(
        pk=family_id,
        revoked_at=None,
        expires_at__gt=now,
        client__status=Client.Status.ACTIVE,
        user__status=User.Status.ACTIVE,
    ).exists()


def _spend_code(code: StoredCode, *, now: datetime) -> bool:
    return bool(
        AuthorizationCode.objects.filter(
            pk=code.id, consumed_at=None, revoked_at=None, expires__gt=now
        ).update(consumed_at=now)
    )


def _use_refresh(spent: StoredRefresh, *, use: tuple[Any, ...]) -> bool:
    now, successor, digest, sealed, *_ = use
    return bool(
        RefreshToken.objects.filter(
            pk=spent.id, consumed_at=None, expires__gt=now, family__revoked_at=None
        ).update(consumed_at=now, successor=successor, replay_digest=digest, replay_sealed=sealed)
    )


def _save_access(issue: Issue) -> None:
    rows.ledger_row(issue).save(force_insert=True)
    rows.audit_row(issue.event).save(force_insert=True)


def _save_refresh(issue: Issue, *, now: datetime) -> None:
    if issue.refresh:
        values = rows.refresh_values(issue, now=now)
        RefreshToken.objects.create(**dict(zip(rows.REFRESH_COLUMNS, values, strict=True)))
