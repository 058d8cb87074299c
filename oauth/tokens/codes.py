"""Authorization codes: issued here, read here; spending one is the ledger's work."""

import json
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection

from authplane.accounts.models import User
from authplane.core.config import config
from authplane.core.hashing import new_secret, sha256_hex
from authplane.core.ids import uuid7
from oauth.models import AuthorizationCode, AuthorizationRequest

_MAX_LENGTH: Final = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredCode:
    """A code's row as read for redemption, with its user's status at that moment."""

    id: uuid.UUID
    application_id: uuid.UUID
    user_id: uuid.UUID
    user_is_active: bool
    redirect_uri: str
    scope: str
    resource: str
    code_challenge: str
    family_id: uuid.UUID
    dpop_jkt: str
    auth_time: datetime
    acr: str
    amr: tuple[str, ...]
    projects: tuple[str, ...]
    expires: datetime
    consumed_at: datetime | None
    revoked_at: datetime | None


def issue_code(
    request: AuthorizationRequest,
    *,
    now: datetime,
    family_id: uuid.UUID | None = None,
    projects: Collection[str] = (),
) -> str:
    """A code for an allowed request, valid for a minute; only its hash is stored.

    The family of the tokens to come is named already, so that a second redemption, even a
    parallel one, can end what the first one began (RFC 6749 section 4.1.2).
    """
    code = new_secret(32)
    AuthorizationCode.objects.create(
        issuer=request.issuer,
        code=sha256_hex(code),
        application_id=request.client_id,
        user_id=request.user_id,
        redirect_uri=request.redirect_uri,
        scope=request.scope,
        resource=request.resource,
        code_challenge=request.code_challenge,
        dpop_jkt=request.dpop_jkt,
        auth_time=request.auth_time,
        acr=request.acr,
        amr=request.amr,
        projects=list(projects),
        family_id=family_id or uuid7(),
        created=now,
        expires=now + timedelta(seconds=config().tokens.code_ttl),
    )
    return code


def read_code(presented_code: str, *, issuer: str = "") -> StoredCode | None:
    """The row behind a code of this issuer, spent or not; None without one. One statement."""
    if not presented_code or len(presented_code) > _MAX_LENGTH:
        return None
    row = _read_row(sha256_hex(presented_code), issuer=issuer)
    if row is None:
        return None
    values = dict(zip(_COLUMNS, row, strict=True))
    status = values.pop("user__status")
    return StoredCode(
        user_is_active=status == User.Status.ACTIVE,
        **values | {"amr": read_texts(values["amr"]), "projects": read_texts(values["projects"])},
    )


def read_texts(value: str | list[str]) -> tuple[str, ...]:
    """A JSON column of texts: a plain cursor hands it over as text, the models as a list."""
    return tuple(json.loads(value) if isinstance(value, str) else value)


def _read_row(code_hash: str, *, issuer: str) -> tuple[Any, ...] | None:
    """The columns of `_COLUMNS`. PostgreSQL gets a finished text, which is not composed anew."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(_QUERY, [code_hash, issuer])
            found: tuple[Any, ...] | None = cursor.fetchone()
            return found
    rows = AuthorizationCode.objects.filter(code=code_hash, issuer=issuer).values_list(*_COLUMNS)
    first: tuple[Any, ...] | None = rows.first()
    return first


_COLUMNS: Final = (
    "id",
    "application_id",
    "user_id",
    "user__status",
    "redirect_uri",
    "scope",
    "resource",
    "code_challenge",
    "family_id",
    "dpop_jkt",
    "auth_time",
    "acr",
    "amr",
    "projects",
    "expires",
    "consumed_at",
    "revoked_at",
)
_QUERY: Final = (
    "SELECT code.id, code.application_id, code.user_id, person.status, code.redirect_uri, "
    "code.scope, code.resource, code.code_challenge, code.family_id, code.dpop_jkt, "
    "code.auth_time, code.acr, code.amr, code.projects, code.expires, code.consumed_at, "
    "code.revoked_at "
    "FROM oauth_authorizationcode AS code JOIN accounts_user AS person ON person.id = code.user_id "
    "WHERE code.code = %s AND code.issuer = %s"
)
