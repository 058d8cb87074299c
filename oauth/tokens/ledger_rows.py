"""The values of the rows that issuing writes, in the order of `ledger_sql`'s columns."""

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from audit.models import AuditEvent
from audit.record import PreparedEvent
from oauth.models import AccessToken, TokenFamily
from oauth.tokens import ledger_sql as sql
from oauth.tokens.codes import StoredCode

if TYPE_CHECKING:
    from oauth.tokens.ledger import Issue

FAMILY_COLUMNS: Final = tuple(name for name, _ in sql.FAMILY_COLUMNS)
REFRESH_COLUMNS: Final = tuple(name for name, _ in sql.REFRESH_COLUMNS)
_ACCESS_COLUMNS: Final = tuple(name for name, _ in sql.ACCESS_COLUMNS)
_AUDIT_COLUMNS: Final = tuple(name for name, _ in sql.AUDIT_COLUMNS)


def access_values(issue: "Issue") -> tuple[Any, ...]:
    """The ledger row, by `ledger_sql.ACCESS_COLUMNS`."""
    decided = issue.authorization
    return (
        issue.access.jti,
        decided.client.issuer,
        decided.kind,
        decided.user_id,
        decided.client.pk,
        decided.subject,
        json.dumps(decided.actors) if decided.actors else None,
        decided.parent,
        decided.consent_client,
        decided.dpop_jkt,
        decided.resource,
        decided.scope_text,
        decided.family_id,
        issue.access.issued_at,
        issue.access.expires_at,
        "",
    )


def audit_values(event: PreparedEvent) -> tuple[Any, ...]:
    """The audit row, by `ledger_sql.AUDIT_COLUMNS`."""
    return (
        event.id,
        event.created_at,
        event.action,
        event.actor_id,
        event.client_id,
        event.detail,
        event.request_id,
        event.trace_id,
        event.personal,
        event.personal_digest,
    )


def family_values(
    issue: "Issue", *, code: StoredCode, expires_at: datetime, now: datetime
) -> tuple[Any, ...]:
    """The family's row, by `ledger_sql.FAMILY_COLUMNS`.

    The family keeps the scope of the authorization, of which a token may carry less.
    """
    decided = issue.authorization
    return (
        code.family_id,
        decided.client.issuer,
        code.application_id,
        code.user_id,
        code.scope,
        code.resource,
        decided.proven_jkt if decided.client.is_public else "",
        code.auth_time,
        decided.acr,
        json.dumps(list(decided.amr)),
        json.dumps(list(code.projects)),
        now,
        expires_at,
        "",
    )


def refresh_values(issue: "Issue", *, now: datetime) -> tuple[Any, ...]:
    """The refresh token's row, by `ledger_sql.REFRESH_COLUMNS`."""
    if issue.refresh is None:
        raise ValueError("no refresh token was minted")
    return (
        issue.refresh.id,
        issue.authorization.family_id,
        issue.refresh.checksum,
        issue.access.jti,
        now,
        issue.refresh_expires_at,
        "",
    )


def ledger_row(issue: "Issue") -> AccessToken:
    """The ledger row as a model, for databases that take the steps one by one."""
    values = dict(zip(_ACCESS_COLUMNS, access_values(issue), strict=True))
    values["actors"] = issue.authorization.actors
    return AccessToken(**values)


def family_row(values: tuple[Any, ...]) -> TokenFamily:
    """The family's row as a model, for databases that take the steps one by one."""
    named = dict(zip(FAMILY_COLUMNS, values, strict=True))
    named["amr"] = json.loads(named["amr"])
    named["projects"] = json.loads(named["projects"])
    return TokenFamily(**named)


def audit_row(event: PreparedEvent) -> AuditEvent:
    """The audit row as a model, for databases that take the steps one by one."""
    values = dict(zip(_AUDIT_COLUMNS, audit_values(event), strict=True))
    values["detail"] = json.loads(values["detail"])
    return AuditEvent(**values)
