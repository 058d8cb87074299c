"""Why a resource cannot be made or changed, as operators may be told it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from oauth.models import FrontingLink


class Problem(NamedTuple):
    """One thing that is wrong with one member of a body."""

    field: str
    text: str

    def __str__(self) -> str:
        return f"{self.field} {self.text}"


class ResourceError(Exception):
    """A refused change of a resource; nothing was changed. The text may be shown."""


class BadResource(ResourceError):
    """The body is not acceptable; ``problems`` lists everything that is wrong with it."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems


class ResourceConflict(ResourceError):
    """Another resource has the name."""


class ResourceInUse(ResourceError):
    """Something still refers to the resource, or the server itself needs it."""


class ResourceLinked(ResourceInUse):
    """Fronting links refer to the resource; ``links`` are their rows."""

    def __init__(self, links: Sequence[FrontingLink]) -> None:
        super().__init__("fronting links use this resource; cascade deletes them with it")
        self.links = links


class NoSuchLink(ResourceError):
    """There is no such fronting link."""

    def __init__(self) -> None:
        super().__init__("fronting link not found")


class NoSuchProvider(ResourceError):
    """No upstream service has the slug that was named."""

    def __init__(self) -> None:
        super().__init__("broker provider not found")


class NoSuchResource(ResourceError):
    """There is no such resource."""

    def __init__(self) -> None:
        super().__init__("resource not found")
