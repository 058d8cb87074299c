"""Where users may be sent after connecting an account for a brokered resource: its own list."""

from __future__ import annotations

from django.db import transaction

from audit import record
from audit.events import ReturnUrlAdded, ReturnUrlRemoved
from oauth.models import Resource
from oauth.resources.errors import BadResource, NoSuchResource, Problem
from oauth.resources.policy import locked_resource, replace_policy
from oauth.resources.policy_body import CONNECT, RETURN_URLS, complete_policy
from oauth.resources.return_url_rules import url_problems


def listed_urls(slug: str) -> list[str]:
    """The members of the list.

    Raises: NoSuchResource; BadResource for a resource that is not brokered.
    """
    row = Resource.objects.filter(slug=slug).first()
    if row is None:
        raise NoSuchResource
    return _members(row)


def add_url(slug: str, *, url: str, actor: str = "system") -> list[str]:
    """The list with the URL on it; one that was there already writes nothing.

    Raises: NoSuchResource, BadResource.
    """
    with transaction.atomic():
        row = locked_resource(slug)
        members = _members(row)
        if url in members:
            return members
        if problems := url_problems([*members, url]):
            raise BadResource(problems)
        members.append(url)
        _store(row, members)
        record.record(ReturnUrlAdded(actor_id=actor, slug=slug, return_url=url))
    return members


def remove_url(slug: str, *, url: str, actor: str = "system") -> list[str]:
    """The list without the URL; one that was not there writes nothing.

    Raises: NoSuchResource, BadResource.
    """
    with transaction.atomic():
        row = locked_resource(slug)
        members = _members(row)
        if url in members:
            members.remove(url)
            _store(row, members)
            record.record(ReturnUrlRemoved(actor_id=actor, slug=slug, return_url=url))
    return members


def _members(row: Resource) -> list[str]:
    if row.backend_kind != Resource.Backend.BROKER:
        raise BadResource([Problem(f"policy.{CONNECT}", "is only for brokered resources")])
    members: list[str] = complete_policy(row.policy).get(CONNECT, {}).get(RETURN_URLS, [])
    return members


def _store(row: Resource, members: list[str]) -> None:
    without = {name: part for name, part in complete_policy(row.policy).items() if name != CONNECT}
    replace_policy(row, without | ({CONNECT: {RETURN_URLS: members}} if members else {}))
