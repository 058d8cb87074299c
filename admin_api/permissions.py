"""Who may do what: each route says which role it takes, and a key may be narrowed further."""

from __future__ import annotations

from typing import Any, Final

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from admin_api.administrators.operator import Operator
from admin_api.administrators.reach import operation_name
from admin_api.administrators.staff import role_needed_for
from admin_api.exceptions import Refused
from admin_api.operations import Role, described
from audit import record
from audit.events import AdminAccessDenied
from authplane.core import ratelimit
from authplane.core.metrics import counter

READING: Final = ("GET", "HEAD")
RECORDED_RATE: Final = 1.0
RECORDED_BURST: Final = 30
"""Rows of refusals that one operator may cause: a script in a loop must not fill the record."""


class ReachesFarEnough(BasePermission):
    """The caller's role is at least the route's, and the caller's key was not narrowed past it.

    Whoever changes a user that is staff needs that user's own role at least.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        """Always true; a method that the route does not offer is refused later, as such.

        Raises: Refused (403).
        """
        action: str = getattr(view, "action", None) or ""
        if action not in view.action_map.values():
            return True
        operator: Operator = request.user  # type: ignore[assignment]
        needed = needed_role(getattr(type(view), action), method=request.method or "")
        name = operation_name(request.method or "", request._request.resolver_match.route)  # type: ignore[union-attr]  # noqa: SLF001 - DRF keeps it there
        if not operator.may(needed, name):
            raise _denied(operator, needed=needed, operation=name)
        if "user_id" in view.kwargs and request.method not in READING:
            needed = role_needed_for(view.kwargs["user_id"])
            if not operator.role.may(needed):
                raise _denied(operator, needed=needed, operation=name)
        return True


def needed_role(method_of_view: Any, *, method: str) -> Role:
    """The least role that may call it. What nobody described is an owner's, but for reading."""
    told = described(method_of_view)
    if told is not None:
        return told.role
    return Role.VIEWER if method in READING else Role.OWNER


def _denied(operator: Operator, *, needed: Role, operation: str) -> Refused:
    verdict = ratelimit.take(
        "admin-denied", operator.actor_id, rate=RECORDED_RATE, burst=RECORDED_BURST
    )
    if verdict.allowed:
        record.record_refusal(
            AdminAccessDenied(
                actor_id=operator.actor_id, operation=operation,
                needed=needed.value, role=operator.role.value,
            )
        )  # fmt: skip
    counter("authserver_auth_denied_total").labels(reason="admin_role").inc()
    text = (
        "this key is not allowed to use this operation"
        if operator.role.may(needed)
        else f"this takes the role {needed}; the key has the role {operator.role}"
    )
    return Refused(status=403, error="access_denied", text=text, extra={"needed_role": needed})
