"""The ledger as operators read it: issued tokens by whom they are for, and what each is worth."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

from django.db.models import QuerySet, Subquery

from authplane.core.clock import as_text
from authplane.core.ids import first_uuid7_at, id_or_none
from oauth.models import AccessToken, Client, Resource
from oauth.resources.selectors import find_resource, find_resource_by_id, resource_of_audience
from oauth.tokens.exchange.actors import agents_of
from oauth.tokens.standing import Standing, read_all_standings

ACTIVE, REVOKED, EXPIRED, INACTIVE = "active", "revoked", "expired", "inactive"
ENDED_ITSELF: Final = frozenset({"issuance_revoked", "token_revoked"})
"""Reasons of the token and of its family. All others are of something that it hangs on."""


def issued_tokens(
    *,
    user: str = "",
    client: str = "",
    resource: str = "",
    jti: str = "",
    since: datetime | None = None,
) -> QuerySet[AccessToken]:
    """Tokens of every grant, with client; those of whom and for what is asked, none for no id.

    `resource` is an id, a slug or an audience. Rows outlive their clients and resources: those of
    a client that is gone are found by user or jti, those of a resource by audience.
    """
    rows: QuerySet[AccessToken] = AccessToken.objects.select_related("application")
    for column, text in (("user_id", user), ("pk", jti)):
        if text:
            key = id_or_none(text)
            rows = rows.filter(**{column: key}) if key else rows.none()
    if client:
        # A subquery and no join: PostgreSQL then walks the index of this client from its end.
        known = Client.objects.filter(client_id=client.replace("\0", "")).values("pk")[:1]
        rows = rows.filter(application_id=Subquery(known))
    if resource:
        rows = rows.filter(resource__in=_audiences(resource.replace("\0", "")))
    if since is not None:
        rows = rows.filter(pk__gte=first_uuid7_at(since))
    return rows


def shown_tokens(rows: Sequence[AccessToken], *, now: datetime) -> list[dict[str, Any]]:
    """The rows as tokens. One statement for all of them says what they are worth."""
    standings = read_all_standings([row.pk for row in rows])
    return [_token(row, _worth(row, standings.get(row.pk), now=now)) for row in rows]


def shown_issuances(rows: Sequence[AccessToken], *, now: datetime) -> list[dict[str, Any]]:
    """The rows as evidence: who asked, through whom, and on whose consent. One statement."""
    standings = read_all_standings([row.pk for row in rows])
    consenting = _client_ids({row.consent_client for row in rows if row.consent_client})
    return [
        _issuance(row, _worth(row, standings.get(row.pk), now=now), consenting=consenting)
        for row in rows
    ]


def _token(row: AccessToken, worth: dict[str, str]) -> dict[str, Any]:
    shown = {
        "jti": str(row.pk),
        "type": row.kind,
        "client_id": _client_id(row),
        "user_id": str(row.user_id or ""),
        "scope": row.scope,
        "resource": row.resource,
        **worth,
        "family_id": str(row.family_id or ""),
        "created_at": as_text(row.created),
        "expires_at": as_text(row.expires),
    }
    return _without_empty(shown, "user_id", "family_id", "ended_because")


def _issuance(
    row: AccessToken, worth: dict[str, str], *, consenting: dict[uuid.UUID, str]
) -> dict[str, Any]:
    vended = row.kind == AccessToken.Kind.VEND
    resource = resource_of_audience(row.resource) or find_resource(row.resource)
    is_agent = row.application is not None and row.application.is_agent
    shown = {
        "id": str(row.pk),
        # Of a token that an upstream service issued nobody here knows one.
        "jti": "" if vended else str(row.pk),
        "kind": row.kind,
        "subject": row.subject,
        "subject_user_id": str(row.user_id or ""),
        "client_id": _client_id(row),
        "resource_id": str(resource.id) if resource else "",
        "resource": row.resource,
        "scopes": row.scope.split(),
        "backend_kind": str(Resource.Backend.BROKER if vended else Resource.Backend.MINT),
        "revocable": not vended,
        **worth,
        "issued_at": as_text(row.created),
        "expires_at": as_text(row.expires),
        "revoked_at": as_text(row.revoked_at) if row.revoked_at else "",
        "dpop_jkt": row.dpop_jkt,
        "agent_id": _client_id(row) if is_agent else "",
        "agent_chain": list(agents_of(row.actors)) if is_agent else [],
        "actors": row.actors or {},
        "consent_client_id": consenting.get(row.consent_client, "") if row.consent_client else "",
        "parent_jti": str(row.parent or ""),
        "family_id": str(row.family_id or ""),
    }
    return _without_empty(
        shown, "revoked_at", "dpop_jkt", "agent_id", "actors", "consent_client_id", "parent_jti",
        "family_id", "ended_because",
    )  # fmt: skip


def _worth(row: AccessToken, standing: Standing | None, *, now: datetime) -> dict[str, str]:
    """`status`, and the reason that an introspection would record for a token that ended."""
    if row.kind == AccessToken.Kind.VEND:
        # The upstream service issued it: nothing that ends here ends it.
        reason = "issuance_revoked" if row.revoked_at else ""
    else:
        reason = standing.ended_because if standing else "invalid_token"
    if reason:
        status = REVOKED if reason in ENDED_ITSELF else INACTIVE
    else:
        status = ACTIVE if now < row.expires else EXPIRED
    return {"status": status, "ended_because": reason}


def _client_id(row: AccessToken) -> str:
    """Empty when the client is gone."""
    return row.application.client_id if row.application else ""


def _client_ids(keys: Collection[uuid.UUID]) -> dict[uuid.UUID, str]:
    if not keys:
        return {}
    return dict(Client.objects.filter(pk__in=keys).values_list("pk", "client_id"))


def _audiences(resource: str) -> list[str]:
    """What the ledger calls the resource; whatever nobody registered may be what it once was."""
    key = id_or_none(resource)
    known = (find_resource_by_id(key) if key else None) or find_resource(resource)
    return [name for name in (known.uri, known.slug) if name] if known else [resource]


def _without_empty(shown: dict[str, Any], *optional: str) -> dict[str, Any]:
    return {name: value for name, value in shown.items() if value or name not in optional}
