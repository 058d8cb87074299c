"""`/admin/api-keys` and `/admin/access-groups`: who may use proxies with a key."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from admin_api.exceptions import Conflict, Invalid, NotFound
from admin_api.lookup import asked_id, row_id
from admin_api.operations import Role, operation
from admin_api.pagination import envelope
from admin_api.routes import OperatorRoutes
from authplane.core.http import json_response
from broker.keys import groups, services
from broker.keys.errors import BadEntry, EntryConflict, NoSuchEntry
from broker.keys.view import shown_group, shown_key
from broker.models import AccessGroup, ApiKey


class _Entries(OperatorRoutes):
    """What the routes of keys and groups have in common."""

    absent = ""

    def do(self, change: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """What the service returns. Raises: Refused."""
        try:
            return change(*args, **options)
        except NoSuchEntry:
            raise NotFound(self.absent) from None
        except EntryConflict as error:
            raise Conflict(str(error)) from None
        except BadEntry as error:
            raise Invalid(str(error)) from None

    def id(self, text: str) -> uuid.UUID:
        """An id as its row has it. Raises: NotFound for what is none of ours."""
        return row_id(text, self.absent)


class ApiKeys(_Entries):
    """Keys for proxies; each is shown once, in the answer that made it."""

    absent = "API key not found"

    @operation(query=("user_id", "user_group_id"), answers="ApiKey", listed="api_keys")
    def list(self, request: Request) -> HttpResponse:
        """All keys, the newest first; with `user_id` or `user_group_id` those of one."""
        page = self.page(request, "user_id", "user_group_id")
        rows = ApiKey.objects.select_related("group")
        for name, column in (("user_id", "user_id"), ("user_group_id", "group_id")):
            if name in request.GET:
                rows = rows.filter(**{column: asked_id(request, name)})
        return json_response(envelope("api_keys", rows, page=page, render=shown_key))

    @operation(answers="CreatedApiKey", status=201, events=("api_key.created",), role=Role.SECURITY)
    def create(self, request: Request) -> HttpResponse:
        """A new key."""
        row, key = self.do(services.create_key, self.body(request), actor=self.actor(request))
        return json_response({"api_key": key} | shown_key(row), status=201)

    @operation(answers="ApiKey")
    def retrieve(self, request: Request, key: str) -> HttpResponse:  # noqa: ARG002 - DRF's
        """One key."""
        return json_response(shown_key(self.do(services.find_key, self.id(key))))

    @operation(answers="ApiKey", events=("api_key.patched",), role=Role.SECURITY)
    def change(self, request: Request, key: str) -> HttpResponse:
        """The key with another name, description or end."""
        row = self.do(
            services.patch_key, self.id(key), self.body(request), actor=self.actor(request)
        )
        return json_response(shown_key(row))

    @operation(answers="ApiKey", events=("api_key.revoked",), role=Role.SECURITY)
    def revoke(self, request: Request, key: str) -> HttpResponse:
        """The key opens nothing from now on."""
        row = self.do(services.revoke_key, self.id(key), actor=self.actor(request))
        return json_response(shown_key(row))

    @operation(status=204, events=("api_key.deleted",), role=Role.SECURITY)
    def remove(self, request: Request, key: str) -> HttpResponse:
        """The key is gone."""
        self.do(services.delete_key, self.id(key), actor=self.actor(request))
        return HttpResponse(status=204)


class AccessGroups(_Entries):
    """Which proxies keys may use, and how often."""

    absent = "access group not found"

    @operation(answers="AccessGroup", listed="access_groups")
    def list(self, request: Request) -> HttpResponse:
        """All groups, the newest first."""
        page = self.page(request)
        rows = AccessGroup.objects.all()
        return json_response(envelope("access_groups", rows, page=page, render=shown_group))

    @operation(
        answers="AccessGroup", status=201, events=("access_group.created",), role=Role.SECURITY
    )
    def create(self, request: Request) -> HttpResponse:
        """A new group."""
        row = self.do(groups.create_group, self.body(request), actor=self.actor(request))
        return json_response(shown_group(row), status=201)

    @operation(answers="AccessGroup")
    def retrieve(self, request: Request, key: str) -> HttpResponse:  # noqa: ARG002 - DRF's
        """One group."""
        return json_response(shown_group(self.do(groups.find_group, self.id(key))))

    @operation(answers="AccessGroup", events=("access_group.patched",), role=Role.SECURITY)
    def change(self, request: Request, key: str) -> HttpResponse:
        """The group with the members of the body."""
        row = self.do(
            groups.patch_group, self.id(key), self.body(request), actor=self.actor(request)
        )
        return json_response(shown_group(row))

    @operation(status=204, events=("access_group.deleted",), role=Role.SECURITY)
    def remove(self, request: Request, key: str) -> HttpResponse:
        """The group is gone, unless keys belong to it."""
        self.do(groups.delete_group, self.id(key), actor=self.actor(request))
        return HttpResponse(status=204)
