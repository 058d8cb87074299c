"""Who may do a task of the console, and what the record calls them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied

from admin_api.administrators.staff import role_of
from admin_api.operations import Role

if TYPE_CHECKING:
    from django.http import HttpRequest


def actor_of(request: HttpRequest) -> str:
    """What the record calls the person: the id that it has for users anyway.

    Forgetting a person finds everything they did under one name.
    """
    return str(request.user.pk)


def may(request: HttpRequest, needed: Role) -> bool:
    """The person's role reaches that far. Asked by pages, so that they offer nothing in vain."""
    role = role_of(request.user)
    return role is not None and role.may(needed)


def require(request: HttpRequest, needed: Role) -> None:
    """Asked by every view: a button that was not shown can still be sent.

    Raises: PermissionDenied.
    """
    if not may(request, needed):
        raise PermissionDenied
