"""Making, changing and removing resources. Each change is recorded in its own transaction."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, Final

from audit import record
from audit.events import ResourceCreated, ResourceDeleted, ResourcePatched
from authplane.core import clock
from authplane.core.config import config
from authplane.core.uris import fold_resource
from oauth.models import Client, ConsentGrant, Resource
from oauth.resources.backing import settle_provider
from oauth.resources.body import read_body
from oauth.resources.errors import (
    BadResource,
    NoSuchResource,
    Problem,
    ResourceConflict,
    ResourceInUse,
    ResourceLinked,
)
from oauth.resources.fronting.guards import guard_problems, links_of
from oauth.resources.fronting.services import remove_all
from oauth.resources.locking import exclusive
from oauth.resources.policy_body import POLICY_LISTS, complete_policy
from oauth.resources.return_url_rules import settle_return_urls

BUILT_IN_MAY_CHANGE: Final = frozenset({"display_name", "policy"})


def create_resource(body: Mapping[str, Any], *, actor: str = "system") -> Resource:
    """A new resource with the members of ``body``; `slug` and `backend_kind` are required.

    Raises: BadResource, ResourceConflict, NoSuchProvider.
    """
    accepted, problems = read_body(body, required=("slug", "backend_kind"))
    problems += _unknown_clients(accepted.get("policy", {}))
    accepted.setdefault("policy", complete_policy({}))
    with exclusive():
        if not problems:
            problems = settle_provider(accepted, row=None)
            problems += settle_return_urls(
                accepted, body=body, backend_kind=str(accepted["backend_kind"])
            )
        if problems:
            raise BadResource(problems)
        _require_free_names(accepted, besides=None)
        row = Resource.objects.create(**accepted)
        record.record(ResourceCreated(actor_id=actor, id=str(row.pk), slug=row.slug))
    return row


def patch_resource(key: uuid.UUID, body: Mapping[str, Any], *, actor: str = "system") -> Resource:
    """The resource with the members of ``body``; lists and the policy are replaced as wholes.

    A body that changes nothing writes nothing.

    Raises: BadResource, ResourceConflict, NoSuchResource, NoSuchProvider.
    """
    accepted, problems = read_body(body, required=())
    problems += _unknown_clients(accepted.get("policy", {}))
    with exclusive():
        row = _locked(pk=key)
        if row.backend_kind == Resource.Backend.ISSUER:
            problems += [
                Problem(name, "of the built-in resource cannot be changed")
                for name in accepted
                if name not in BUILT_IN_MAY_CHANGE
            ]
        problems += guard_problems(row, _sound(accepted, problems))
        if not problems:
            problems = settle_provider(accepted, row=row)
            kind = str(accepted.get("backend_kind", row.backend_kind))
            problems += settle_return_urls(accepted, body=body, backend_kind=kind)
        if problems:
            raise BadResource(problems)
        changed = [name for name, value in accepted.items() if getattr(row, name) != value]
        if changed:
            _require_free_names(accepted, besides=row)
            _store(row, {name: accepted[name] for name in changed})
            fields = ",".join(map(_told, changed))
            record.record(
                ResourcePatched(actor_id=actor, id=str(key), slug=row.slug, fields=fields)
            )
    return row


def delete_resource(key: uuid.UUID, *, actor: str = "system", cascade: bool = False) -> None:
    """The resource is gone, and what users no longer consent to with it.

    With ``cascade`` so are the fronting links that it is an end of.

    Raises: NoSuchResource; ResourceLinked while links refer to it and ``cascade`` is not said;
    ResourceInUse while somebody's consent names it.
    """
    with exclusive():
        row = _locked(pk=key)
        if row.backend_kind == Resource.Backend.ISSUER:
            raise ResourceInUse("the built-in resource cannot be deleted")
        links = links_of(row)
        if links and not cascade:
            raise ResourceLinked(links)
        consents = ConsentGrant.objects.filter(resource=row)
        if consents.filter(revoked_at=None).exists():
            raise ResourceInUse("users have given consent to this resource")
        consents.delete()
        remove_all(links, actor=actor)
        row.delete()
        event = ResourceDeleted(
            actor_id=actor, id=str(key), slug=row.slug, cascaded_links=len(links)
        )
        record.record(event)


def policy_problems(client_id: str) -> list[Problem]:
    """What keeps ``client_id`` from being named in a policy."""
    return _unknown_clients({"runtime": {POLICY_LISTS["runtime"]: [client_id]}})


def _told(column: str) -> str:
    """A column as operators know it."""
    return "broker_provider_id" if column == "broker_provider" else column


def _sound(accepted: Mapping[str, Any], problems: list[Problem]) -> dict[str, Any]:
    """The members with which nothing is wrong so far."""
    wrong = {problem.field.partition("[")[0] for problem in problems}
    return {name: value for name, value in accepted.items() if name not in wrong}


def _locked(**names: Any) -> Resource:
    row = Resource.objects.select_for_update().filter(**names).first()
    if row is None:
        raise NoSuchResource
    return row


def _store(row: Resource, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        setattr(row, name, value)
    row.version += 1
    row.updated_at = clock.now()
    row.save(update_fields=[*values, "version", "updated_at"])


def _require_free_names(accepted: Mapping[str, Any], *, besides: Resource | None) -> None:
    """No other resource answers to the slug or to the URI, in whatever spelling.

    Raises: ResourceConflict.
    """
    others = Resource.objects.exclude(pk=besides.pk) if besides else Resource.objects.all()
    slug, uri = accepted.get("slug"), accepted.get("uri")
    if slug and others.filter(slug=slug).exists():
        raise ResourceConflict("another resource has this slug")
    if not uri:
        return
    taken = {fold_resource(other) for other in others.values_list("uri", flat=True) if other}
    if fold_resource(uri) in taken | {fold_resource(config().server.issuer)}:
        raise ResourceConflict("another resource has this uri")


def _unknown_clients(policy: Mapping[str, Any]) -> list[Problem]:
    """One problem for each list that names a client nobody registered."""
    lists = {
        f"policy.{section}.{name}": policy.get(section, {}).get(name, [])
        for section, name in POLICY_LISTS.items()
    }
    named = {client_id for ids in lists.values() for client_id in ids}
    rows = Client.objects.filter(issuer="", client_id__in=named) if named else ()
    known = {row.client_id for row in rows}
    return [
        Problem(place, f"names a client that is not registered: {client_id}")
        for place, ids in lists.items()
        for client_id in ids
        if client_id not in known
    ]
