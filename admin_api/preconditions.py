"""Nobody overwrites what they have not seen: `ETag` and `If-Match`.

Spec: RFC 9110 sections 8.8.3 and 13.1.1.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Model, QuerySet
from django.http.response import HttpResponseBase
from rest_framework.request import Request

from admin_api.exceptions import Invalid, Refused

HEADER: Final = "HTTP_IF_MATCH"
_TAGS: Final = re.compile(r'\s*(?:W/)?"[\x21\x23-\x7e]*"\s*(?:,\s*(?:W/)?"[\x21\x23-\x7e]*"\s*)*')
_STRONG: Final = re.compile(r'(?<!W/)"([\x21\x23-\x7e]*)"')

Answering = Callable[..., HttpResponseBase]


class Versioned:
    """The rows that a viewset's routes are about, one by one: `Versioned(User, user_id="pk")`.

    Each keyword is a part of the path, its value the column where it is looked up.
    """

    def __init__(
        self, model: type[Model], *, only: Mapping[str, Any] | None = None, **columns: str
    ) -> None:
        self.model = model
        self.only = dict(only or {})
        self.columns = columns

    def rows(self, parts: dict[str, Any]) -> QuerySet[Any] | None:
        """The row that a path is about; None for paths that are about no row."""
        if set(parts) != set(self.columns):
            return None
        wanted = {column: parts[name] for name, column in self.columns.items()}
        rows: QuerySet[Any] = self.model._default_manager.filter(**self.only)  # noqa: SLF001 - Django's public name for it
        if any("\x00" in str(value) for value in wanted.values()):
            return rows.none()
        try:
            return rows.filter(**wanted)
        except (ValueError, ValidationError):
            # No id of this table looks like that.
            return rows.none()


def tag_of(rows: QuerySet[Any]) -> str:
    """The entity tag of the row's present version; empty without a row."""
    version = rows.values_list("version", flat=True).first()
    return "" if version is None else f'"{version}"'


def on_condition(request: Request, answering: Answering, rows: QuerySet[Any]) -> Answering:
    """``answering``, only while the row is of a version that `If-Match` names.

    The row is locked until the change is committed, so that of two who saw the same version one
    wins. The answer carries the tag of what it changed the row to.

    Raises: Invalid for a header that is none.
    """
    condition: str = request.META.get(HEADER, "")
    if not condition:
        return answering
    if condition.strip() != "*" and not _TAGS.fullmatch(condition):
        raise Invalid("If-Match must be * or a list of entity tags")

    def answer(*args: Any, **kwargs: Any) -> HttpResponseBase:
        with transaction.atomic():
            present = tag_of(rows.select_for_update(of=("self",)))
            # Without a row the route itself says so.
            if present and condition.strip() != "*" and not _names(condition, present):
                raise Refused(
                    status=412, error="conflict",
                    text="it was changed since you read it: read it again, then change it",
                    headers={"ETag": present},
                )  # fmt: skip
            response = answering(*args, **kwargs)
            changed = tag_of(rows)
            if changed:
                response.headers["ETag"] = changed
        return response

    return answer


def take_version(body: dict[str, Any]) -> int | None:
    """The version that a body names, which is no member of it any more; None where it names none.

    For callers that keep no headers: what they change is still of that version.

    Raises: Invalid.
    """
    version = body.pop("version", None)
    if version is not None and type(version) is not int:
        raise Invalid("version must be a whole number")
    return version


def _names(condition: str, present: str) -> bool:
    return present.strip('"') in _STRONG.findall(condition)
