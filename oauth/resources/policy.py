"""Who may do what as, or for, a resource, and what it demands: one member at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.db import transaction

from audit import record
from audit.events import (
    ExchangeClientAdded,
    ExchangeClientRemoved,
    ResourcePatched,
    RuntimeClientAdded,
    RuntimeClientRemoved,
)
from authplane.core import clock
from oauth.models import Resource
from oauth.resources.errors import BadResource, NoSuchResource, Problem
from oauth.resources.policy_body import CONNECT, MAX_CLIENTS, RULES, complete_policy, read_policy
from oauth.resources.services import policy_problems


@dataclass(frozen=True, slots=True)
class PolicyList:
    """One list of client ids in a resource's policy, and the events of its changes."""

    section: str
    name: str
    added: Any
    removed: Any


EXCHANGE: Final = PolicyList(
    "exchange", "allowed_client_ids", ExchangeClientAdded, ExchangeClientRemoved
)
"""Who may exchange tokens for the resource."""

RUNTIME: Final = PolicyList("runtime", "client_ids", RuntimeClientAdded, RuntimeClientRemoved)
"""Who acts as the resource: introspects its tokens, exchanges what it received."""


def listed_clients(slug: str, *, of: PolicyList) -> list[str]:
    """The members of the list.

    Raises: NoSuchResource.
    """
    row = Resource.objects.filter(slug=slug).first()
    if row is None:
        raise NoSuchResource
    return _members(row, of)


def add_client(slug: str, *, of: PolicyList, client_id: str, actor: str = "system") -> list[str]:
    """The list with the client on it; one that was there already writes nothing.

    Raises: NoSuchResource, BadResource when nobody registered the client.
    """
    with transaction.atomic():
        row = locked_resource(slug)
        members = _members(row, of)
        if client_id in members:
            return members
        problems = policy_problems(client_id)
        if len(members) >= MAX_CLIENTS:
            problems.append(Problem(of.name, f"has {MAX_CLIENTS} members already"))
        if problems:
            raise BadResource(problems)
        members.append(client_id)
        _store(row, of, members)
        record.record(of.added(actor_id=actor, client_id=client_id, slug=slug))
    return members


def remove_client(slug: str, *, of: PolicyList, client_id: str, actor: str = "system") -> list[str]:
    """The list without the client; one that was not there writes nothing.

    Raises: NoSuchResource.
    """
    with transaction.atomic():
        row = locked_resource(slug)
        members = _members(row, of)
        if client_id in members:
            members.remove(client_id)
            _store(row, of, members)
            record.record(of.removed(actor_id=actor, client_id=client_id, slug=slug))
    return members


def rules_of(slug: str) -> dict[str, Any]:
    """What the resource demands of its tokens; null where it demands nothing.

    Raises: NoSuchResource.
    """
    row = Resource.objects.filter(slug=slug).first()
    if row is None:
        raise NoSuchResource
    return shown_rules(row)


def change_rules(slug: str, body: Mapping[str, Any], *, actor: str = "system") -> dict[str, Any]:
    """The rules with the members of ``body``: null takes a rule away, the others stay.

    The lists of the policy are not touched, so that nobody's addition to them is lost.

    Raises: NoSuchResource, BadResource.
    """
    problems = [Problem(name, "is not a rule") for name in body if name not in RULES]
    _, wrong = read_policy({name: body[name] for name in body if name in RULES})
    with transaction.atomic():
        row = locked_resource(slug)
        if problems or wrong:
            raise BadResource([*problems, *wrong])
        before = complete_policy(row.policy)
        after, _ = read_policy(before | dict(body))
        after = complete_policy(after | {CONNECT: before.get(CONNECT, {})})
        if after != before:
            replace_policy(row, after)
            event = ResourcePatched(actor_id=actor, id=str(row.pk), slug=slug, fields="policy")
            record.record(event)
    return shown_rules(row)


def shown_rules(row: Resource) -> dict[str, Any]:
    """Every rule of the row, null where it says nothing."""
    return {name: row.policy.get(name) for name in RULES}


def locked_resource(slug: str) -> Resource:
    """The row, which nobody else changes until the end: no addition of another is lost."""
    row = Resource.objects.select_for_update().filter(slug=slug).first()
    if row is None:
        raise NoSuchResource
    return row


def _members(row: Resource, of: PolicyList) -> list[str]:
    members: list[str] = complete_policy(row.policy)[of.section][of.name]
    return members


def _store(row: Resource, of: PolicyList, members: list[str]) -> None:
    replace_policy(row, complete_policy(row.policy) | {of.section: {of.name: members}})


def replace_policy(row: Resource, policy: dict[str, Any]) -> None:
    """The row's policy is this one."""
    row.policy = policy
    row.version += 1
    row.updated_at = clock.now()
    row.save(update_fields=["policy", "version", "updated_at"])
