"""What a grant decided: everything a token needs to be made. Pure data."""

import uuid
from dataclasses import dataclass
from typing import Any

from oauth.models import Client


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """A decision to issue. Whoever holds one has passed every check of its grant.

    `scope` is what the token carries; `subject` its `sub`; `resource` the one audience;
    `lifetime` is in seconds.
    """

    kind: str
    client: Client
    subject: str
    resource: str
    scope: tuple[str, ...]
    lifetime: int
    user_id: uuid.UUID | None = None
    family_id: uuid.UUID | None = None
    parent: uuid.UUID | None = None
    dpop_jkt: str = ""
    actors: dict[str, Any] | None = None

    @property
    def scope_text(self) -> str:
        """The scopes as the wire spells them."""
        return " ".join(self.scope)
