"""`/admin/admin-keys` and `/admin/staff`: who operates this server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from admin_api.administrators import keys, staff
from admin_api.administrators.errors import (
    BadEntry,
    BeyondReach,
    NameTaken,
    NoSuchKey,
    NoSuchStaff,
)
from admin_api.administrators.operator import Operator
from admin_api.administrators.view import shown_key, shown_staff
from admin_api.exceptions import Conflict, Invalid, NotFound, Refused
from admin_api.models import AdminApiKey
from admin_api.operations import Role, operation
from admin_api.pagination import envelope
from admin_api.routes import OperatorRoutes
from admin_api.serializers.administrators import NewAdminKey, NewStaff, StaffChange
from authplane.core.http import json_response


class AdminKeys(OperatorRoutes):
    """Keys of administrators; each is shown once, in the answer that made it."""

    @operation(answers="AdminKey", listed="admin_keys", role=Role.SECURITY)
    def list(self, request: Request) -> HttpResponse:
        """All keys, those that ended as well, the newest first."""
        page = self.page(request)
        rows = AdminApiKey.objects.all()
        return json_response(envelope("admin_keys", rows, page=page, render=shown_key))

    @operation(
        reads=NewAdminKey,
        answers="CreatedAdminKey",
        status=201,
        events=("admin_key.created",),
        role=Role.OWNER,
    )
    def create(self, request: Request) -> HttpResponse:
        """A new key, shown this once."""
        asked = self.read(request, NewAdminKey).validated_data
        operator: Operator = request.user  # type: ignore[assignment]
        row, text = _do(keys.create_key, **asked, actor=operator.actor_id, by=operator)
        return json_response({"admin_key": text} | shown_key(row), status=201)

    @operation(answers="AdminKey", role=Role.SECURITY)
    def retrieve(self, request: Request, key: str) -> HttpResponse:  # noqa: ARG002 - DRF's
        """One key, by its id or name."""
        return json_response(shown_key(_do(keys.find_key, key)))

    @operation(answers="AdminKey", events=("admin_key.revoked",), role=Role.OWNER)
    def revoke(self, request: Request, key: str) -> HttpResponse:
        """The key opens nothing from the next request on."""
        return json_response(shown_key(_do(keys.revoke_key, key, actor=self.actor(request))))


class Staff(OperatorRoutes):
    """Users with a role in the operator console."""

    @operation(answers="Staff", listed="staff", role=Role.SECURITY)
    def list(self, request: Request) -> HttpResponse:
        """Everybody with a role, the newest first."""
        page = self.page(request)
        return json_response(envelope("staff", staff.list_staff(), page=page, render=shown_staff))

    @operation(
        reads=NewStaff,
        answers="Staff",
        status=201,
        events=("staff.role_granted",),
        role=Role.OWNER,
    )
    def create(self, request: Request) -> HttpResponse:
        """The active user `user_id` has this role."""
        asked = self.read(request, NewStaff).validated_data
        return self._granted(request, asked["user_id"], asked["role"], status=201)

    @operation(answers="Staff", role=Role.SECURITY)
    def retrieve(self, request: Request, user_id: str) -> HttpResponse:  # noqa: ARG002 - DRF's
        """One of them."""
        return json_response(shown_staff(_do(staff.find_staff, user_id)))

    @operation(reads=StaffChange, answers="Staff", events=("staff.role_granted",), role=Role.OWNER)
    def change(self, request: Request, user_id: str) -> HttpResponse:
        """The staff user has another role; the last owner stays one."""
        _do(staff.find_staff, user_id)
        role = self.read(request, StaffChange).validated_data["role"]
        return self._granted(request, user_id, role)

    @operation(status=204, events=("staff.role_revoked",), role=Role.OWNER)
    def remove(self, request: Request, user_id: str) -> HttpResponse:
        """The user is no staff from the next request on; the last owner stays one."""
        _require_whole(request)
        _do(staff.revoke_role, user_id, actor=self.actor(request))
        return HttpResponse(status=204)

    def _granted(
        self, request: Request, user_id: str, role: str, *, status: int = 200
    ) -> HttpResponse:
        _require_whole(request)
        row = _do(staff.grant_role, user_id, role=role, actor=self.actor(request))
        return json_response(shown_staff(row), status=status)


def _require_whole(request: Request) -> None:
    """A role has no limits of its own: a key that has some cannot give one away.

    Raises: Refused.
    """
    operator: Operator = request.user  # type: ignore[assignment]
    if operator.allowed is not None or operator.expires_at is not None:
        raise _beyond("a key that is narrowed, or ends, cannot appoint staff")


def _beyond(text: str) -> Refused:
    return Refused(status=403, error="access_denied", text=text)


def _do(change: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """What the service returns. Raises: Refused."""
    try:
        return change(*args, **options)
    except (NoSuchKey, NoSuchStaff) as error:
        raise NotFound(str(error)) from None
    except NameTaken as error:
        raise Conflict(str(error)) from None
    except BadEntry as error:
        raise Invalid(str(error)) from None
    except BeyondReach as error:
        raise _beyond(str(error)) from None
