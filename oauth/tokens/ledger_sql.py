"""The ledger's statements for PostgreSQL, put together once at import.

Every value carries its type, because an untyped literal in `INSERT ... SELECT` is text to
PostgreSQL. `rowcount` of each statement counts what its final part did: one, or none.
"""

from typing import Final

ACCESS_COLUMNS: Final = (
    ("id", "uuid"),
    ("issuer", "varchar"),
    ("kind", "varchar"),
    ("user_id", "uuid"),
    ("application_id", "uuid"),
    ("subject", "varchar"),
    ("actors", "jsonb"),
    ("parent", "uuid"),
    ("consent_client", "uuid"),
    ("dpop_jkt", "varchar"),
    ("resource", "text"),
    ("scope", "text"),
    ("family_id", "uuid"),
    ("created", "timestamptz"),
    ("expires", "timestamptz"),
    ("revoked_reason", "varchar"),
)
AUDIT_COLUMNS: Final = (
    ("id", "uuid"),
    ("created_at", "timestamptz"),
    ("action", "varchar"),
    ("actor_id", "varchar"),
    ("client_id", "varchar"),
    ("detail", "jsonb"),
    ("request_id", "varchar"),
    ("trace_id", "varchar"),
    ("personal", "text"),
    ("personal_digest", "varchar"),
)
FAMILY_COLUMNS: Final = (
    ("id", "uuid"),
    ("issuer", "varchar"),
    ("client_id", "uuid"),
    ("user_id", "uuid"),
    ("scope", "text"),
    ("resource", "text"),
    ("dpop_jkt", "varchar"),
    ("auth_time", "timestamptz"),
    ("acr", "varchar"),
    ("amr", "jsonb"),
    ("projects", "jsonb"),
    ("created_at", "timestamptz"),
    ("expires_at", "timestamptz"),
    ("revoked_reason", "varchar"),
)
REFRESH_COLUMNS: Final = (
    ("id", "uuid"),
    ("family_id", "uuid"),
    ("token_checksum", "varchar"),
    ("jti", "uuid"),
    ("created", "timestamptz"),
    ("expires", "timestamptz"),
    ("replay_digest", "varchar"),
)


def insert(table: str, columns: tuple[tuple[str, str], ...], *, after: str = "") -> str:
    """An insert of one row; `after` is the CTE that must have yielded a row first, if any."""
    names = ", ".join(name for name, _ in columns)
    values = ", ".join(f"%s::{kind}" for _, kind in columns)
    source = f" FROM {after}" if after else ""
    return f"INSERT INTO {table} ({names}) SELECT {values}{source}"


_SPEND_CODE: Final = (
    "UPDATE oauth_authorizationcode SET consumed_at = %s "
    "WHERE id = %s AND consumed_at IS NULL AND revoked_at IS NULL AND expires > %s RETURNING id"
)
_USE_REFRESH: Final = (
    "UPDATE oauth_refreshtoken AS used "
    "SET consumed_at = %s, successor = %s, replay_digest = %s, replay_sealed = %s "
    "FROM oauth_tokenfamily AS family "
    "WHERE used.id = %s AND used.consumed_at IS NULL AND used.expires > %s "
    "AND family.id = used.family_id AND family.revoked_at IS NULL RETURNING used.id"
)


def _family(after: str) -> str:
    return insert("oauth_tokenfamily", FAMILY_COLUMNS, after=after)


def _access(after: str = "") -> str:
    return insert("oauth_accesstoken", ACCESS_COLUMNS, after=after)


def _refresh(after: str) -> str:
    return insert("oauth_refreshtoken", REFRESH_COLUMNS, after=after)


def _audit(after: str = "") -> str:
    return insert("audit_auditevent", AUDIT_COLUMNS, after=after)


ACCESS: Final = f"WITH token AS ({_access()}) {_audit()}"
VEND: Final = f"WITH served AS ({_audit()}), token AS ({_access()}) {_audit()}"

_SPEND_VALUE: Final = (
    "INSERT INTO core_onetimevalue AS known (digest, namespace, expires_at) VALUES (%s, %s, %s) "
    "ON CONFLICT (digest) DO UPDATE SET expires_at = excluded.expires_at "
    "WHERE known.expires_at <= %s RETURNING digest"
)
ACCESS_ONCE: Final = (
    f"WITH spent AS ({_SPEND_VALUE}), token AS ({_access('spent')}) {_audit('spent')}"
)

_STILL_GOOD: Final = (
    "SELECT 1 FROM oauth_accesstoken AS subject "
    "JOIN oauth_client AS holder ON holder.id = subject.application_id "
    "JOIN oauth_client AS acting ON acting.id = %s::uuid "
    "LEFT JOIN oauth_tokenfamily AS family ON family.id = subject.family_id "
    "LEFT JOIN accounts_user AS person ON person.id = subject.user_id "
    "WHERE subject.id = %s::uuid AND subject.revoked_at IS NULL "
    "AND holder.status = 'active' AND acting.status = 'active' "
    "AND (subject.family_id IS NULL OR (family.id IS NOT NULL AND family.revoked_at IS NULL)) "
    "AND (subject.user_id IS NULL OR person.status = 'active') "
    "AND (%s::uuid IS NULL OR EXISTS (SELECT 1 FROM oauth_consentgrant AS consent "
    "WHERE consent.user_id = subject.user_id AND consent.client_id = subject.application_id "
    "AND consent.resource_id = %s::uuid AND consent.revoked_at IS NULL "
    "AND consent.scopes @> %s::jsonb))"
)
EXCHANGE: Final = (
    f"WITH standing AS ({_STILL_GOOD}), token AS ({_access('standing')}) {_audit('standing')}"
)

_FAMILY_COUNTS: Final = (
    "SELECT family.id FROM oauth_tokenfamily AS family "
    "JOIN oauth_client AS client ON client.id = family.client_id AND client.status = 'active' "
    "JOIN accounts_user AS person ON person.id = family.user_id AND person.status = 'active' "
    "WHERE family.id = %s AND family.revoked_at IS NULL AND family.expires_at > %s"
)
IN_FAMILY: Final = (
    f"WITH standing AS ({_FAMILY_COUNTS}), token AS ({_access('standing')}) {_audit('standing')}"
)

REDEEM_CODE_WITHOUT_REFRESH: Final = (
    f"WITH spent AS ({_SPEND_CODE}), family AS ({_family('spent')}), "
    f"token AS ({_access('spent')}) {_audit('spent')}"
)
REDEEM_CODE: Final = (
    f"WITH spent AS ({_SPEND_CODE}), family AS ({_family('spent')}), "
    f"token AS ({_access('spent')}), refresh AS ({_refresh('spent')}) {_audit('spent')}"
)
ROTATE_REFRESH: Final = (
    f"WITH spent AS ({_USE_REFRESH}), "
    f"token AS ({_access('spent')}), refresh AS ({_refresh('spent')}) {_audit('spent')}"
)
