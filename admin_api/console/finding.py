"""One search over everything an operator may have a name or an id of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.apps import apps
from django.http import HttpRequest
from django.urls import reverse

from audit.models import AuditEvent
from authplane.core.console_lists import among_newest, fitting, place_of, rows_of
from authplane.core.console_pages import may

PER_KIND: Final = 8
MAX_TERM: Final = 512
MAX_REQUEST_ID: Final = 64
AUDIT_WINDOW: Final = 100_000
"""Rows of the record among which a request id is looked for; it has no index."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing that was found."""

    label: str
    detail: str
    url: str


@dataclass(frozen=True, slots=True)
class Group:
    """What was found of one kind; ``is_cut`` when there is more of it."""

    title: str
    hits: tuple[Hit, ...]
    is_cut: bool


@dataclass(frozen=True, slots=True)
class _Kind:
    """Where to look for one kind of thing, and how to name what is found."""

    title: str
    model: str
    fields: tuple[str, ...]
    name: Callable[[Any], str]
    detail: Callable[[Any], str]
    joined: tuple[str, ...] = ()


_KINDS: Final = (
    _Kind("Users", "accounts.User", ("id", "^email"), str, lambda row: f"{row.status}, {row.id}"),
    _Kind(
        "Clients", "oauth.Client", ("id", "=client_id", "name"),
        str, lambda row: f"{row.status}, {row.client_id}",
    ),
    _Kind(
        "Resources", "oauth.Resource", ("id", "slug", "display_name", "uri"),
        lambda row: row.display_name or row.slug, lambda row: row.uri or row.backend_kind,
    ),
    _Kind(
        "Tokens by jti", "oauth.AccessToken", ("id",),
        lambda row: str(row.id), lambda row: f"{row.kind} for {row.resource}",
    ),
    _Kind(
        "Families", "oauth.TokenFamily", ("id",),
        lambda row: str(row.id), lambda row: f"{row.client} for {row.user}", ("client", "user"),
    ),
    _Kind(
        "Connections", "broker.Connection", ("id",),
        lambda row: str(row.id), lambda row: f"{row.status}, of {row.user}", ("user",),
    ),
    _Kind(
        "Providers", "broker.BrokerProvider", ("id", "slug", "display_name"),
        lambda row: row.display_name, lambda row: row.slug,
    ),
    _Kind(
        "OAuth proxies", "broker.OAuthProxy", ("slug", "name"),
        lambda row: row.name, lambda row: row.slug,
    ),
    _Kind(
        "API keys", "broker.ApiKey", ("id", "=prefix"),
        lambda row: row.name, lambda row: row.prefix,
    ),
    _Kind(
        "Identity providers", "oauth.TrustedIdP", ("id", "name", "issuer"),
        lambda row: row.name, lambda row: row.issuer,
    ),
    _Kind(
        "Signing keys", "oauth.SigningKey", ("=kid",),
        lambda row: row.kid, lambda row: row.algorithm,
    ),
)  # fmt: skip


def find(term: str, request: HttpRequest) -> tuple[Group, ...]:
    """Everything that fits, of what the person may see. A bounded statement or two for each kind.

    Ids are found by their first digits, e-mail addresses by their beginning, names by any part.
    """
    term = term.strip()
    if not term or len(term) > MAX_TERM or "\0" in term:
        return ()
    groups = [_found(kind, term) for kind in _KINDS if _may_see(request, kind.model)]
    if _may_see(request, "audit.AuditEvent"):
        is_known = any(group.hits for group in groups)
        groups.append(_recorded(term, may_be_request=not is_known))
    return tuple(group for group in groups if group.hits)


def _may_see(request: HttpRequest, label: str) -> bool:
    app, _, model = label.partition(".")
    return may(request, f"{app}.view_{model.lower()}")


def _found(kind: _Kind, term: str) -> Group:
    model = apps.get_model(kind.model)
    sought = term.lower() if kind.model == "accounts.User" else term
    rows = fitting(rows_of(model), kind.fields, sought, limit=PER_KIND + 1).order_by("-pk")
    if kind.joined:
        rows = rows.select_related(*kind.joined)
    return _group(kind.title, rows[: PER_KIND + 1], kind.name, kind.detail)


def _recorded(term: str, *, may_be_request: bool) -> Group:
    whole = ("=actor_id", "=client_id")
    rows = fitting(AuditEvent.objects.all(), whole, term, limit=PER_KIND + 1)
    found = list(rows.order_by("-pk")[: PER_KIND + 1])
    if not found and may_be_request and len(term) <= MAX_REQUEST_ID:
        newest = among_newest(AuditEvent.objects.all(), AUDIT_WINDOW)
        found = list(newest.filter(request_id=term).order_by("-pk")[: PER_KIND + 1])
    return _group(
        "Audit record",
        found,
        lambda row: row.action,
        lambda row: f"{row.created_at:%Y-%m-%d %H:%M:%S} UTC",
    )


def _group(
    title: str, rows: Any, name: Callable[[Any], str], detail: Callable[[Any], str]
) -> Group:
    hits = tuple(_hits(rows, name, detail))
    return Group(title, hits[:PER_KIND], is_cut=len(hits) > PER_KIND)


def _hits(rows: Any, name: Callable[[Any], str], detail: Callable[[Any], str]) -> Iterator[Hit]:
    for row in rows:
        yield Hit(name(row), detail(row), reverse(place_of(row, "change"), args=[row.pk]))
