"""What a user allowed: consents here, connections elsewhere."""

from __future__ import annotations

from django.http import HttpResponse
from rest_framework.request import Request

from admin_api.exceptions import NotFound
from admin_api.lookup import row_id
from admin_api.operations import operation
from admin_api.routes import OperatorRoutes
from admin_api.viewsets.tokens import existing_user
from authplane.core import clock
from authplane.core.http import json_response
from broker.connections.view import shown_connection
from broker.models import Connection
from oauth.consent.revocation import ConsentUnknown, revoke_consent_of_anybody
from oauth.consent.selectors import all_consents_of
from oauth.consent.view import shown_consent

NO_GRANT = "consent grant not found"
MOST = 1000
"""Of each kind. Nobody has so many: each is to another client and resource, or provider."""


class UserGrants(OperatorRoutes):
    """The whole history of what one user allowed."""

    @operation(answers="UserGrants")
    def retrieve(self, request: Request, user_id: str) -> HttpResponse:  # noqa: ARG002 - DRF's
        """Consents and connections of the user, those that ended too, the newest first."""
        user = existing_user(user_id)
        connections = Connection.objects.filter(user=user).select_related("provider")
        return json_response(
            {
                "consent_grants": [shown_consent(row) for row in all_consents_of(user.pk)[:MOST]],
                "broker_grants": [
                    _without_nulls(shown_connection(row))
                    for row in connections.order_by("-pk")[:MOST]
                ],
            }
        )


class ConsentGrants(OperatorRoutes):
    """Standing consents."""

    @operation(status=204, events=("consent_grant.revoked_admin",))
    def remove(self, request: Request, key: str) -> HttpResponse:
        """The client loses what it was allowed, with every token that came of it.

        Revoked before: 204 all the same.
        """
        try:
            revoke_consent_of_anybody(
                consent_id=row_id(key, NO_GRANT), now=clock.now(), actor=self.actor(request)
            )
        except ConsentUnknown:
            raise NotFound(NO_GRANT) from None
        return HttpResponse(status=204)


def _without_nulls(shown: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in shown.items() if value is not None}
