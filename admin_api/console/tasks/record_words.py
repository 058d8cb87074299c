"""A row of the record in words: what happened, who did it, why it was refused, what it is about."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.urls import reverse

from admin_api.administrators.operator import NAMED as KEY_NAMED
from audit.events import CATALOGUE
from audit.models import AuditEvent
from authplane.accounts.models import User
from authplane.core.ids import id_or_none
from oauth.error_reference import ADVICE
from oauth.errors import WIRE, Reason
from oauth.models import AccessToken, Client, TokenFamily

NOBODY_IN_PARTICULAR: Final = {
    "": "nobody who was signed in",
    "admin": "whoever holds the operator key of the configuration",
    "system": "the server itself: scheduled work or a command",
}
SHELL: Final = "cli:"
USERS: Final = ("user", "user_id", "subject_user_id")
TOKENS: Final = ("jti", "id", "parent")


@dataclass(frozen=True, slots=True)
class Fact:
    """One member of the row; ``url`` leads to what it names, where that is still there."""

    name: str
    value: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why something was refused: what the caller was told, and what to do about it."""

    reason: str
    error: str
    told: str
    meaning: str
    remedy: str


def meaning_of(action: str) -> str:
    """The first sentence of what the action stands for."""
    kind = CATALOGUE.get(action)
    return ((kind.__doc__ or "") if kind else "").strip().partition("\n")[0]


def refusal_of(row: AuditEvent) -> Refusal | None:
    """The private reason of the row, joined with what the caller saw; None where there is none."""
    reason = row.detail.get("reason", "") if isinstance(row.detail, dict) else ""
    if reason not in set(Reason):
        return None
    wire = WIRE[Reason(reason)]
    advice = ADVICE.get(wire.error)
    return Refusal(
        reason=reason, error=wire.error, told=wire.description,
        meaning=advice.meaning if advice else "", remedy=advice.remedy if advice else "",
    )  # fmt: skip


def people_of(actors: Iterable[str]) -> dict[str, Fact]:
    """Who acted, by what the record calls them. Two statements, however many there are."""
    names = set(actors)
    keys = {name: found for name in names if (found := id_or_none(name))}
    users = {one.pk: one for one in User.objects.filter(pk__in=set(keys.values()))}
    others = names - set(NOBODY_IN_PARTICULAR)
    clients = dict(
        Client.objects.filter(issuer="", client_id__in=others).values_list("client_id", "pk")
    )
    told = {}
    for name in names:
        user = users.get(keys[name]) if name in keys else None
        if user is not None:
            told[name] = Fact("Who", str(user), _page("person", user.pk))
        elif name in clients:
            told[name] = Fact("Who", f"client {name}", _page("client-page", clients[name]))
        elif name.startswith(SHELL):
            told[name] = Fact("Who", f"{name.removeprefix(SHELL)}, at the command line")
        elif name.startswith(KEY_NAMED):
            told[name] = Fact("Who", f"operator key {name.removeprefix(KEY_NAMED)}")
        else:
            told[name] = Fact("Who", NOBODY_IN_PARTICULAR.get(name, name))
    return told


def facts_of(row: AuditEvent) -> list[Fact]:
    """The members of the detail, each with where it leads. At most four statements."""
    return list(_facts(row.detail if isinstance(row.detail, dict) else {}))


def client_of(row: AuditEvent) -> Fact | None:
    """The client of the row; None where there was none."""
    if not row.client_id:
        return None
    key = Client.objects.filter(issuer="", client_id=row.client_id).values_list("pk", flat=True)
    found = key.first()
    return Fact("Client", row.client_id, _page("client-page", found) if found else "")


def _facts(detail: dict[str, Any]) -> Iterator[Fact]:
    for name, value in detail.items():
        text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        key = id_or_none(text)
        yield Fact(name.replace("_", " "), text, _leads_to(name, key) if key else "")


def _leads_to(name: str, key: uuid.UUID) -> str:
    if name in USERS and User.objects.filter(pk=key).exists():
        return _page("person", key)
    if name in TOKENS and AccessToken.objects.filter(pk=key).exists():
        return _page("lineage-of", key)
    if name == "family" and TokenFamily.objects.filter(pk=key).exists():
        return reverse("admin:oauth_tokenfamily_change", args=[key])
    return ""


def _page(name: str, key: uuid.UUID) -> str:
    return reverse(f"admin:{name}", args=[key])
