"""The agents among the clients, as the key document lists them where an operator wants that."""

from __future__ import annotations

import json
import logging
from typing import Final

from django.db import InterfaceError, OperationalError

from authplane.core.cache import TimedCache
from oauth.keys.jwks import Further
from oauth.models import Client

log = logging.getLogger(__name__)

MAX_BYTES: Final = 48 * 1024
"""Of the list in JSON. Resource servers refuse key documents of more than 64 KiB, keys included:
a list without an end would let whoever registers agents take the keys away from all of them."""
MAX_AGENTS: Final = 2000
SECONDS_UNTIL_SEEN: Final = 60.0
"""Less than the time for which others may keep the document anyway."""


MEMBER: Final = "agents"


def listed_agents() -> Further:
    """Active clients that are agents, the oldest first, as many as fit; a minute old at most.

    The oldest, so that a flood of new registrations pushes nobody out. What an agent says of
    itself is its own word: where anybody may register, anybody may call a client an agent.
    """
    return _lists.get(MEMBER)


def _load(member: str) -> Further:
    rows = (
        Client.objects.filter(issuer="", is_agent=True, status=Client.Status.ACTIVE)
        .order_by("pk")
        .values_list("client_id", "agent_description")
    )
    try:
        found = list(rows[:MAX_AGENTS])
    except (OperationalError, InterfaceError):
        # The keys are known without the database, and stay readable without it.
        log.warning("agents not read; the known ones stay listed")
        return _latest.get(member) or Further(member, ())
    entries: list[dict[str, str]] = []
    room = MAX_BYTES
    for client_id, description in found:
        entry = {"client_id": client_id, "description": description}
        room -= len(json.dumps(entry, separators=(",", ":"))) + 1
        if room < 0:
            break
        entries.append(entry)
    _latest[member] = Further(member, tuple(entries))
    return _latest[member]


_latest: dict[str, Further] = {}
_lists: TimedCache[str, Further] = TimedCache("agents", ttl=SECONDS_UNTIL_SEEN, load=_load)
