"""Which resource may stand in front of which, as exchanges see it. Kept for a few seconds."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from django.db import InterfaceError, OperationalError

from authplane.core.cache import TimedCache, drop_on_commit
from oauth.models import FrontingLink

if TYPE_CHECKING:
    from oauth.resources.view import ResourceView

SECONDS_UNTIL_SEEN: Final = 5.0
_ALL: Final = "links"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Link:
    """Tokens for the source may become tokens for the target, scope by scope.

    `scope_map` is {source scope: target scopes}. A target scope may be reached from several source
    scopes; holding any one of them is enough.
    """

    source_id: uuid.UUID
    target_id: uuid.UUID
    scope_map: Mapping[str, tuple[str, ...]]

    def reachable(self, held: Collection[str]) -> tuple[str, ...]:
        """The target scopes that these source scopes lead to, each once, sorted."""
        found = {target for source in held for target in self.scope_map.get(source, ())}
        return tuple(sorted(found))

    def sources_of(self, target_scope: str) -> frozenset[str]:
        """The source scopes that lead to it; none when the link does not map it at all."""
        return frozenset(
            source for source, targets in self.scope_map.items() if target_scope in targets
        )


def find_link(source: ResourceView, target: ResourceView) -> Link | None:
    """The link from ``source`` to ``target``, at most five seconds old; None without one.

    Links are not followed further: each hop is an exchange of its own.
    """
    return _links.get(_ALL).get((source.id, target.id))


def drop() -> None:
    """This process reads the links anew at once, every other one after the commit."""
    _links.forget()
    drop_on_commit(_links)


Links = dict[tuple[uuid.UUID, uuid.UUID], Link]
_latest: Links | None = None


def _load(_: str) -> Links:
    """Every link. They are few, and reading them all makes pairs without one cost nothing.

    While the database is away they are what they were; nothing is issued without it anyway.
    """
    global _latest  # noqa: PLW0603 - what this process read last
    try:
        read = {
            (row.source_id, row.target_id): Link(
                row.source_id,
                row.target_id,
                {source: tuple(targets) for source, targets in row.scope_map.items()},
            )
            for row in FrontingLink.objects.all()
        }
    except (OperationalError, InterfaceError):
        if _latest is None:
            raise
        log.warning("fronting links not read; the known ones stay in use")
        return _latest
    _latest = read
    return read


_links: TimedCache[str, Links] = TimedCache("fronting", ttl=SECONDS_UNTIL_SEEN, load=_load)
