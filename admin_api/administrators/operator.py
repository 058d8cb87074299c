"""Who calls the operator API, and how far that reaches."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from admin_api.administrators.reach import covers
from admin_api.models import AdminApiKey
from admin_api.operations import Role

SHARED: Final = "admin"
NAMED: Final = "admin-key:"
LONGEST_CHAIN: Final = 20


@dataclass(frozen=True, slots=True)
class Operator:
    """Who acts, by the name that the record has for it.

    The one key of the configuration is shared by all who know it, so that the record can name none
    of them; it may do everything. `made_by` is who has seen this operator's key when it was made.
    """

    actor_id: str = SHARED
    role: Role = Role.OWNER
    allowed: frozenset[str] | None = None
    expires_at: datetime | None = None
    key_id: uuid.UUID | None = None
    made_by: str = ""
    is_authenticated: bool = True

    @classmethod
    def of_key(cls, row: AdminApiKey) -> Operator:
        """Whoever holds this key."""
        return cls(
            actor_id=actor_of(row),
            role=Role(row.role),
            allowed=None if row.allowed is None else frozenset(row.allowed),
            expires_at=row.expires_at,
            key_id=row.pk,
            made_by=row.created_by,
        )

    @classmethod
    def of_staff(cls, user_id: uuid.UUID, role: Role) -> Operator:
        """A user of the console, by the id that the record has for users anyway."""
        return cls(actor_id=str(user_id), role=role)

    def may(self, needed: Role, operation: str) -> bool:
        """The role reaches that far, and the key was not narrowed to something else."""
        return self.role.may(needed) and covers(self.allowed, operation)


def other_names(operator: Operator) -> frozenset[str]:
    """Names under which the same person may have spoken.

    Whoever makes a key has seen it: the maker of a key and its holder count as one, in both
    directions and however long the chain. Keys that one administrator made for two others are two.
    """
    return frozenset(_makers(operator.made_by)) | frozenset(_made_by(operator.actor_id))


def _makers(maker: str) -> Iterator[str]:
    for _ in range(LONGEST_CHAIN):
        if not maker:
            return
        yield maker
        name = maker.removeprefix(NAMED)
        row = AdminApiKey.objects.filter(name=name).first() if name != maker else None
        maker = row.created_by if row else ""


def _made_by(actor: str) -> Iterator[str]:
    makers = [actor]
    for _ in range(LONGEST_CHAIN):
        rows = AdminApiKey.objects.filter(created_by__in=makers)
        makers = [actor_of(row) for row in rows]
        if not makers:
            return
        yield from makers


def actor_of(row: AdminApiKey) -> str:
    """What the record calls whoever holds this key. Names are never used twice."""
    return f"{NAMED}{row.name}"
