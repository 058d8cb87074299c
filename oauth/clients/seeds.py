"""Clients that administrators made, as they are written down for another server."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from authplane.core.seeding import Portable, Section, Seed, Written, spoken
from oauth.clients import services
from oauth.clients.errors import ClientError
from oauth.clients.records import document_of
from oauth.models import Client
from oauth.registration.schema import DEFAULT_GRANTS, SHOWN_URLS, BadMetadata, Problem
from oauth.registration.security import SECURITY_MEMBERS, SWITCH_MEMBERS

NAME: Final = "clients"
ACTIVE: Final = Client.Status.ACTIVE.value
SUSPENDED: Final = Client.Status.SUSPENDED.value
CLIENT_ID: Final = re.compile(r"(?!https?://)[\x21-\x7e]{1,255}")
"""URLs are ids of clients with a metadata document, which nobody writes down."""

MEMBERS: Final = frozenset({
    "client_id", "client_name", "redirect_uris", "grant_types", "token_endpoint_auth_method",
    "scope", "status", "agent", "agent_description", "jwks", "jwks_uri", "software_id",
    "token_endpoint_auth_signing_alg", "application_type", "software_version", *SHOWN_URLS,
    *SECURITY_MEMBERS,
})  # fmt: skip
DEFAULTS: Final[Mapping[str, Any]] = {
    **dict.fromkeys(MEMBERS - {"client_id", "client_name"}, ""),
    **dict.fromkeys(SWITCH_MEMBERS, False),
    "redirect_uris": None, "grant_types": list(DEFAULT_GRANTS), "jwks": None, "agent": False,
    "token_endpoint_auth_method": "none", "status": ACTIVE, "application_type": None,
}  # fmt: skip


def _name(seed: Seed) -> str:
    return str(seed.get("client_id") or "").replace("\0", "")


def _rows() -> Any:
    return Client.objects.filter(issuer="", registration_source=Client.Source.ADMIN)


def _written() -> Iterator[Written]:
    """Those that may be used, now or again: who was revoked is not to come back elsewhere."""
    usable = _rows().filter(status__in=(ACTIVE, SUSPENDED)).order_by("client_id")
    for row in usable:
        members = document_of(row) | {"scope": row.scope, "status": row.status}
        members = {name: value for name, value in members.items() if name in MEMBERS}
        seed = {"client_id": row.client_id, **spoken(members, defaults=DEFAULTS)}
        yield Written(row.client_id, row.client_id, seed)


def _problems(seed: Seed) -> list[Problem]:
    problems = []
    client_id = seed.get("client_id")
    if not isinstance(client_id, str) or not CLIENT_ID.fullmatch(client_id):
        problems.append(Problem("client_id must be 1 to 255 characters, and no URL"))
    if set(seed) - MEMBERS:
        problems.append(Problem(f"a client may hold: {', '.join(sorted(MEMBERS))}"))
    if seed.get("status", ACTIVE) not in (ACTIVE, SUSPENDED):
        problems.append(Problem(f"status must be {ACTIVE} or {SUSPENDED}"))
    return problems


def _create(seed: Seed, actor: str) -> services.Created:
    """Raises: BadMetadata."""
    problems = _problems(seed)
    if not problems and Client.objects.filter(issuer="", client_id=_name(seed)).exists():
        problems.append(Problem("client_id is another client's, which no administrator made"
                                " or which was revoked"))  # fmt: skip
    document = _metadata(seed)
    try:
        services.read_metadata_and_scope(document)
    except BadMetadata as bad:
        problems += bad.problems
    if problems:
        raise BadMetadata(problems)
    made = services.create_client(document, actor=actor, client_id=_name(seed))
    if seed.get("status") == SUSPENDED:
        services.suspend_client(_name(seed), actor=actor)
    return made


def _change(written: Written, seed: Seed, actor: str) -> None:
    """Raises: BadMetadata, ClientError."""
    if problems := _problems(seed):
        raise BadMetadata(problems)
    present, wanted = {**DEFAULTS, **written.seed}, {**DEFAULTS, **seed}
    changes = {
        name: value
        for name, value in _metadata(wanted).items()
        if (value or None) != (present.get(name) or None)
    }
    if changes:
        services.update_client(written.row, changes=changes, actor=actor)
    if wanted["status"] != present["status"]:
        suspends = wanted["status"] == SUSPENDED
        move = services.suspend_client if suspends else services.reactivate_client
        move(written.row, actor=actor)


def _metadata(seed: Seed) -> dict[str, Any]:
    return {name: value for name, value in seed.items() if name not in {"client_id", "status"}}


CLIENTS: Final = Section(
    noun="client",
    name_of=_name,
    exists=lambda seed: _rows().filter(client_id=_name(seed)).exists(),
    create=_create,
    refusals=(BadMetadata, ClientError),
    portable=Portable(written=_written, change=_change, shown_once=lambda made: made.secret or ""),
)
"""Known by client id. Secrets stay where they are: a new client that has one gets a new one."""
