"""What each route of the operator API does, said once.

For its specification, for the commands that do the same, for who may call it, and for the record:

    @operation(reads=NewUser, answers="User", status=201, events=("user.created",))
    def create(self, request): ...
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from rest_framework.serializers import BaseSerializer

F = TypeVar("F", bound=Callable[..., Any])
_MARK: Final = "operation"


class Role(StrEnum):
    """Who may do something. Each may do what the ones before it may."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    SECURITY = "security"
    OWNER = "owner"

    def may(self, needed: Role) -> bool:
        """Whether this role reaches as far as ``needed``."""
        order = tuple(Role)
        return order.index(self) >= order.index(needed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one route.

    `reads` checks the body; `query` names the parameters that the query may hold besides those of
    paging; `answers` names the schema of the answer (`admin_api.schemas`), of one member where
    `listed` names the list's noun. `events` are the audit events that a success may write: a route
    that changes something names at least one. What `calls_out` asks other servers meanwhile, so
    that nobody may hold a transaction around it. `media` are the media types of an answer that is
    a file, `takes` those of the body where it need not be JSON.
    """

    method: str = ""
    path: str = ""
    action: str = ""
    role: Role = Role.VIEWER
    reads: type[BaseSerializer[Any]] | None = None
    query: tuple[str, ...] = ()
    answers: str = ""
    listed: str = ""
    status: int = 200
    events: tuple[str, ...] = ()
    calls_out: bool = False
    media: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()
    summary: str = ""
    view: Any = field(default=None, repr=False)


def operation(
    *,
    role: Role | None = None,
    reads: type[BaseSerializer[Any]] | None = None,
    query: tuple[str, ...] = (),
    answers: str = "",
    listed: str = "",
    status: int = 200,
    events: tuple[str, ...] = (),
    calls_out: bool = False,
    media: tuple[str, ...] = (),
    takes: tuple[str, ...] = (),
) -> Callable[[F], F]:
    """The method of a viewset is described.

    Without a role, reading takes a viewer, and what writes events an operator.
    """
    needed = role or (Role.OPERATOR if events else Role.VIEWER)

    def mark(method: F) -> F:
        described = Operation(
            role=needed, reads=reads, query=query, answers=answers, listed=listed,
            status=status, events=events, calls_out=calls_out, media=media, takes=takes,
            action=method.__name__,
            summary=(method.__doc__ or "").strip().partition("\n")[0],
        )  # fmt: skip
        setattr(method, _MARK, described)
        return method

    return mark


def described(method: Any) -> Operation | None:
    """What was said about a viewset's method; None when nothing was."""
    found: Operation | None = getattr(method, _MARK, None)
    return found


def routed() -> Iterator[tuple[str, str, Any, str]]:
    """(HTTP method, path pattern, viewset class, name of its method) of every route there is."""
    from admin_api.urls import urlpatterns  # noqa: PLC0415 - the viewsets import this module

    for pattern in urlpatterns:
        view: Any = pattern.callback
        for method, action in view.actions.items():
            if method == "head":
                # Added by the framework with the first request: the same as GET.
                continue
            yield method.upper(), f"/admin/{pattern.pattern}", view.cls, action
