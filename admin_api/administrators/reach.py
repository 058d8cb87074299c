"""What a key may be narrowed to: nouns, and single operations, read from the routes themselves."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import Final

from admin_api.operations import routed

_PARAMETER: Final = re.compile(r"<(?:\w+:)?(\w+)>")


def operation_name(method: str, route: str) -> str:
    """`GET /admin/users/{user_id}`, from the pattern of the route. HEAD is a GET."""
    verb = "GET" if method == "HEAD" else method
    path = _PARAMETER.sub(r"{\1}", route.lstrip("/"))
    return f"{verb} /{path}"


def noun_of(operation: str) -> str:
    """`users`, of `GET /admin/users/{user_id}`."""
    return operation.partition("/admin/")[2].partition("/")[0]


@lru_cache(maxsize=1)
def known() -> tuple[frozenset[str], frozenset[str]]:
    """The nouns and the operations that there are."""
    operations = frozenset(operation_name(method, path) for method, path, _, _ in routed())
    return frozenset(map(noun_of, operations)), operations


def unknown_entries(entries: Iterable[str]) -> list[str]:
    """Those that name nothing: a misspelt one would narrow a key to less than was meant."""
    nouns, operations = known()
    return sorted(set(entries) - nouns - operations)


def covers(allowed: Collection[str] | None, operation: str) -> bool:
    """``allowed`` reaches the operation. None reaches everything, an empty list nothing."""
    return allowed is None or operation in allowed or noun_of(operation) in allowed


def is_within(entries: Collection[str] | None, allowed: Collection[str] | None) -> bool:
    """Nothing that ``entries`` reach is beyond ``allowed``."""
    if allowed is None:
        return True
    return entries is not None and all(
        entry in allowed or noun_of(entry) in allowed for entry in entries
    )
