"""`/admin/connections`, also `/admin/grants/broker`: users' accounts at upstream services."""

from __future__ import annotations

from django.db.models import QuerySet
from django.http import HttpResponse
from rest_framework.request import Request

from admin_api.exceptions import Conflict, Invalid, NotFound, Refused
from admin_api.lookup import of_id, row_by_id, row_id
from admin_api.operations import Role, operation
from admin_api.pagination import envelope
from admin_api.routes import SMALL_BODY, OperatorRoutes
from authplane.core.crypto import CryptoError
from authplane.core.http import json_response
from broker.connections import provisioning
from broker.connections.errors import BadConnection, ConnectionConflict, NoSuchConnection
from broker.connections.view import shown_connection
from broker.models import Connection

ABSENT = "connection not found"
FILTERS = ("user_id", "provider", "status")


class Connections(OperatorRoutes):
    """Who is connected where, and in what state. No credential is ever shown."""

    noun = "connections"

    @operation(query=FILTERS, answers="Connection", listed="connections")
    def list(self, request: Request) -> HttpResponse:
        """All connections, ended ones too, the newest first."""
        page = self.page(request, *FILTERS)
        rows = _filtered(request)
        return json_response(envelope(self.noun, rows, page=page, render=shown_connection))

    @operation(
        answers="Connection", status=201, events=("broker_grant.created",), role=Role.SECURITY
    )
    def create(self, request: Request) -> HttpResponse:
        """A connection that no user can make: to a service account, or with a key that is known."""
        body = self.body(request, limit=SMALL_BODY)
        try:
            row = provisioning.create_connection(body, actor=self.actor(request))
        except BadConnection as error:
            raise Invalid(str(error)) from None
        except ConnectionConflict as error:
            raise Conflict(str(error)) from None
        except CryptoError:
            raise Refused(
                status=503, error="service_unavailable",
                text="keeping credentials needs AUTHPLANE_DATA_ENCRYPTION_KEY",
            ) from None  # fmt: skip
        return json_response(shown_connection(row), status=201)

    @operation(answers="Connection")
    def retrieve(self, request: Request, key: str) -> HttpResponse:  # noqa: ARG002 - DRF's
        """One connection."""
        return json_response(shown_connection(row_by_id(_all(), key, ABSENT)))

    @operation(status=204, events=("broker_grant.revoked_admin",))
    def remove(self, request: Request, key: str) -> HttpResponse:
        """The connection is ended, and its service told. Ended before: 204 all the same."""
        try:
            provisioning.end_connection(row_id(key, ABSENT), actor=self.actor(request))
        except NoSuchConnection:
            raise NotFound(ABSENT) from None
        return HttpResponse(status=204)


class BrokerGrants(Connections):
    """The same, under the name that callers of AuthPlane know."""

    noun = "broker_grants"

    @operation(query=FILTERS, answers="Connection", listed="broker_grants")
    def list(self, request: Request) -> HttpResponse:
        """All connections, ended ones too, the newest first."""
        return super().list(request)


def _all() -> QuerySet[Connection]:
    return Connection.objects.select_related("provider")


def _filtered(request: Request) -> QuerySet[Connection]:
    rows, wanted = _all(), {name: request.GET.get(name, "") for name in FILTERS}
    if status := wanted["status"]:
        if status not in Connection.Status.values:
            raise Invalid(f"status must be one of: {', '.join(Connection.Status.values)}")
        rows = rows.filter(status=status)
    if slug := wanted["provider"]:
        rows = rows.filter(provider__slug=slug.replace("\x00", ""))
    return of_id(rows, "user_id", wanted["user_id"])
