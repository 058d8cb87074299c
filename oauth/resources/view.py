"""A resource as requests see it: checked once when read, then only compared."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field

OFFLINE_ACCESS = "offline_access"
"""Accepted with every resource and never part of a token: refreshing does not depend on it."""


@dataclass(frozen=True, slots=True)
class ScopeView:
    """One scope of a resource. `upstream` is what it is called at the service behind it."""

    name: str
    description: str
    default: bool
    upstream: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rules:
    """What the resource demands of its tokens. The defaults demand nothing.

    `dpop` is `off` (tokens are never bound), `optional` (bound when the client proves a key) or
    `required`. `grants` lists the wire's grant types; None allows all. `lifetime` is a ceiling in
    seconds. `token_format` is `jwt` or `opaque`. `asks_projects`: users choose which of their
    projects a client may open.
    """

    dpop: str = "optional"
    grants: frozenset[str] | None = None
    lifetime: int | None = None
    token_format: str = "jwt"  # noqa: S105 - a format
    asks_projects: bool = False


@dataclass(frozen=True, slots=True)
class ResourceView:
    """A protected resource. `uri` is the audience, byte for byte; empty means it has none.

    `default_scopes` is what an omitted `scope` stands for: the scopes marked so, or all of them
    when none is. `broker_provider` is the id of the upstream service behind a brokered resource,
    `return_urls` where users may be sent after connecting an account for it.
    """

    id: uuid.UUID
    slug: str
    uri: str
    display_name: str
    backend_kind: str
    scopes: tuple[ScopeView, ...]
    runtime_client_ids: frozenset[str]
    exchange_allowed_client_ids: frozenset[str]
    rules: Rules = Rules()
    broker_provider: uuid.UUID | None = None
    return_urls: frozenset[str] = frozenset()
    scope_names: frozenset[str] = field(init=False)
    default_scopes: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        names = tuple(scope.name for scope in self.scopes)
        marked = tuple(scope.name for scope in self.scopes if scope.default)
        object.__setattr__(self, "scope_names", frozenset(names))
        object.__setattr__(self, "default_scopes", marked or names)

    def upstream_scopes(self, names: Iterable[str]) -> tuple[str, ...]:
        """What these scopes are called at the service behind the resource, each once, in order.

        Names that the resource does not have stand for nothing there.
        """
        wanted = set(names)
        found = (one for scope in self.scopes if scope.name in wanted for one in scope.upstream)
        return tuple(dict.fromkeys(found))
