"""`/admin/users`."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpResponse
from rest_framework.request import Request

from admin_api.exceptions import Conflict, NotFound
from admin_api.operations import operation
from admin_api.pagination import Page, envelope
from admin_api.preconditions import Versioned
from admin_api.routes import OperatorRoutes, flag, known_parameters
from admin_api.serializers.users import NewUser, UserChange, user_view
from admin_api.viewsets.tokens import existing_user
from authplane.accounts import services
from authplane.accounts.errors import EmailTaken, WrongState
from authplane.accounts.models import User
from authplane.accounts.selectors import list_users
from authplane.core import clock
from authplane.core.http import json_response
from oauth.account.administration import UserInUse, delete_user

DEFAULT_LIMIT = 50


class Users(OperatorRoutes):
    """Accounts of people."""

    versioned = Versioned(User, user_id="pk")

    @operation(answers="User", listed="users")
    def list(self, request: Request) -> HttpResponse:
        """All users, the newest first."""
        known_parameters(request)
        page = Page.of(request, default=DEFAULT_LIMIT)
        return json_response(envelope("users", list_users(), page=page, render=user_view))

    @operation(reads=NewUser, answers="User", status=201, events=("user.created",))
    def create(self, request: Request) -> HttpResponse:
        """A new local user who can sign in with the password."""
        asked = self.read(request, NewUser).validated_data
        try:
            user = services.create_user(**asked, actor=self.actor(request))
        except EmailTaken as error:
            raise Conflict(str(error)) from None
        return json_response(user_view(user), status=201)

    @operation(answers="User")
    def retrieve(self, request: Request, user_id: str) -> HttpResponse:  # noqa: ARG002 - DRF's
        """One user."""
        return json_response(user_view(existing_user(user_id)))

    @operation(reads=UserChange, answers="User", events=("user.updated",))
    def change(self, request: Request, user_id: str) -> HttpResponse:
        """The user with another e-mail or name. An empty body writes nothing."""
        user = existing_user(user_id)
        asked = self.read(request, UserChange).validated_data
        if asked:
            try:
                services.update_user(user=user, **asked, actor=self.actor(request))
            except EmailTaken as error:
                raise Conflict(str(error)) from None
        return json_response(user_view(user))

    @operation(answers="Status", events=("user.disabled",))
    def disable(self, request: Request, user_id: str) -> HttpResponse:
        """The user cannot sign in, and tokens issued for the user count no longer."""
        return self._move(request, user_id, services.disable_user, status=User.Status.DISABLED)

    @operation(answers="Status", events=("user.enabled",))
    def enable(self, request: Request, user_id: str) -> HttpResponse:
        """A disabled user can sign in again."""
        return self._move(request, user_id, services.enable_user, status=User.Status.ACTIVE)

    @operation(status=204, query=("force",), events=("user.deleted",))
    def remove(self, request: Request, user_id: str) -> HttpResponse:
        """The user is gone; one who holds live tokens only with `force=true`."""
        force = flag(request, "force")
        try:
            delete_user(
                existing_user(user_id).pk, force=force, now=clock.now(), actor=self.actor(request)
            )
        except User.DoesNotExist:
            raise NotFound("user not found") from None
        except UserInUse as error:
            raise Conflict(str(error)) from None
        return HttpResponse(status=204)

    def _move(
        self, request: Request, user_id: str, move: Callable[..., None], *, status: str
    ) -> HttpResponse:
        try:
            move(user_id=existing_user(user_id).pk, actor=self.actor(request))
        except WrongState as error:
            raise Conflict(str(error)) from None
        return json_response({"status": status})
