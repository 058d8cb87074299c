"""Projects of users: which of them a client may open. Whose they are is asked of the directory."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from typing import Final

from audit import events, record
from authplane.core.ids import id_or_none
from oauth.models import Client, ConsentGrant
from oauth.ports import project_directory
from oauth.resources.view import ResourceView

DEFAULT: Final = "default"
"""Stands for the default project of somebody who has no project yet: it is made at Allow."""

DEFAULT_NAME: Final = "Default"


class ForeignProject(Exception):
    """What was chosen is no project of this user's."""


def in_force(user_id: uuid.UUID | None, chosen: Collection[str]) -> tuple[str, ...] | None:
    """Those of the chosen projects that are still the user's; None where none was ever chosen.

    Then nothing is asked of the database. The difference matters: () opens nothing.
    """
    if not chosen:
        return None
    keys = {uuid.UUID(one) for one in chosen}
    owned = project_directory().owned(user_id, keys) if user_id else frozenset()
    return tuple(one for one in chosen if uuid.UUID(one) in owned)


def remembered(consent: ConsentGrant | None, *, resource: ResourceView) -> tuple[str, ...]:
    """What the user chose last and still has; empty at a resource that does not ask."""
    if consent is None or not resource.rules.asks_projects:
        return ()
    return in_force(consent.user_id, consent.projects) or ()


def is_settled(consent: ConsentGrant | None, *, resource: ResourceView) -> bool:
    """Nobody needs to be asked for projects."""
    return not resource.rules.asks_projects or bool(remembered(consent, resource=resource))


def choose(
    posted: Collection[str], *, user_id: uuid.UUID, client: Client, resource: ResourceView
) -> tuple[str, ...]:
    """The ids of the projects that were ticked, each the user's own; none where none is asked for.

    One of somebody else's is not dropped but refused as a whole, and recorded: no page of ours
    offers it.

    Raises: ForeignProject.
    """
    if not resource.rules.asks_projects or not posted:
        return ()
    keys = {one: id_or_none(one) for one in posted if one != DEFAULT}
    known = [key for key in keys.values() if key is not None]
    owned = project_directory().owned(user_id, known) if known else frozenset()
    foreign = next((one for one, key in keys.items() if key not in owned), None)
    if foreign is not None:
        key = keys[foreign]
        record.record_refusal(
            events.ForeignProjectChosen(
                actor_id=str(user_id),
                client_id=client.client_id,
                resource=resource.uri,
                project=str(key) if key else "",
            )
        )
        raise ForeignProject
    chosen = [str(key) for key in known]
    if DEFAULT in posted:
        default = project_directory().default_of(user_id)
        if default is None:
            raise ForeignProject
        chosen.append(str(default))
    return tuple(dict.fromkeys(chosen))
