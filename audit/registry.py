"""How an event says what it is: its action, and the members of its detail."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from typing import ClassVar, Final, TypeVar, dataclass_transform

CATALOGUE: Final[dict[str, type[Event]]] = {}
"""Action to event: everything that can ever be recorded."""

E = TypeVar("E", bound="Event")

_encode = json.JSONEncoder(separators=(",", ":"), default=str).encode


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Who did something (`actor_id`) and through which client; subclasses say what it was.

    `actor_id` is a user id, a client id, `admin` (the shared key), `admin-key:<name>`,
    `cli:<account>`, `system`, or empty. Never an e-mail address.
    """

    action: ClassVar[str] = ""
    required: ClassVar[tuple[str, ...]] = ()
    optional: ClassVar[tuple[str, ...]] = ()

    actor_id: str = ""
    client_id: str = ""

    def detail(self) -> str:
        """The detail as JSON text: every required member, and the optional ones that are known."""
        members = {name: getattr(self, name) for name in self.required}
        for name in self.optional:
            value = getattr(self, name)
            if value:
                members[name] = value
        text = _encode(members)
        # PostgreSQL stores no NUL in JSON; one that got this far must not fail the transaction.
        return text.replace("\\u0000", "\\ufffd") if "\\u0000" in text else text


@dataclass_transform(kw_only_default=True, frozen_default=True)
def event(action: str) -> Callable[[type[E]], type[E]]:
    """The class is a frozen dataclass and stands in the catalogue under ``action``.

    Raises: ValueError when two events claim one action.
    """

    def register(declared: type[E]) -> type[E]:
        if action in CATALOGUE:
            raise ValueError(action)
        made = dataclass(frozen=True, slots=True, kw_only=True)(declared)
        own = [field for field in fields(made) if field.name not in {"actor_id", "client_id"}]
        made.action = action
        made.required = tuple(field.name for field in own if field.default is MISSING)
        made.optional = tuple(field.name for field in own if field.default is not MISSING)
        CATALOGUE[action] = made
        return made

    return register
