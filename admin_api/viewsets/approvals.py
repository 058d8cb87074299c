"""`/admin/approvals`: clients that nobody here made, and whether they may be used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.http import HttpResponse
from rest_framework.request import Request

from admin_api.administrators.operator import Operator, other_names
from admin_api.exceptions import Conflict, Invalid, NotFound, Refused
from admin_api.lookup import row_id
from admin_api.operations import Role, operation
from admin_api.pagination import envelope
from admin_api.routes import SMALL_BODY, OperatorRoutes
from admin_api.serializers.administrators import Answer, NewApproval
from authplane.core.http import json_response
from oauth.clients.errors import ClientInWrongState, ClientUnknown
from oauth.models import ClientApproval
from oauth.registration import approval, approval_rules
from oauth.registration.approval_rules import shown_rules
from oauth.registration.approval_view import shown_approval

ABSENT: Final = str(approval.NoSuchApproval())


class Approvals(OperatorRoutes):
    """Questions about clients, and what administrators say."""

    @operation(query=("outcome",), answers="Approval", listed="approvals")
    def list(self, request: Request) -> HttpResponse:
        """All of them, the newest first; with `outcome`, for instance `waiting`, those alone."""
        page = self.page(request, "outcome")
        outcome = request.GET.get("outcome", "")
        if outcome and outcome not in ClientApproval.Outcome.values:
            raise Invalid(f"outcome must be one of {', '.join(ClientApproval.Outcome.values)}")
        rows = approval.approvals(outcome)
        return json_response(envelope("approvals", rows, page=page, render=shown_approval))

    @operation(
        reads=NewApproval,
        answers="Approval",
        status=201,
        events=("client.approval_requested",),
        role=Role.SECURITY,
    )
    def create(self, request: Request) -> HttpResponse:
        """The self-made client `client_id` stops working until others have approved it."""
        client_id = self.read(request, NewApproval).validated_data["client_id"]
        row = _do(approval.ask_again, client_id, actor=self.actor(request))
        return json_response(shown_approval(row), status=201)

    @operation(answers="Approval")
    def retrieve(self, request: Request, key: str) -> HttpResponse:  # noqa: ARG002 - DRF's
        """One of them."""
        return json_response(shown_approval(_do(approval.find, row_id(key, ABSENT))))

    @operation(
        reads=Answer,
        answers="Approval",
        events=("client.approval_given", "client.approved"),
        role=Role.SECURITY,
    )
    def approve(self, request: Request, key: str) -> HttpResponse:
        """The caller agrees; with as many as are needed the client works."""
        operator: Operator = request.user  # type: ignore[assignment]
        row = _do(
            approval.approve,
            row_id(key, ABSENT),
            actor=operator.actor_id,
            same_as=other_names(operator),
            reason=self._reason(request),
        )
        return json_response(shown_approval(row))

    @operation(reads=Answer, answers="Approval", events=("client.rejected",), role=Role.SECURITY)
    def reject(self, request: Request, key: str) -> HttpResponse:
        """The client stays refused for good; one administrator is enough."""
        reason = self._reason(request)
        row = _do(approval.reject, row_id(key, ABSENT), actor=self.actor(request), reason=reason)
        return json_response(shown_approval(row))

    def _reason(self, request: Request) -> str:
        if not request._request.body:  # noqa: SLF001 - DRF keeps it there
            return ""
        told: str = self.read(request, Answer, limit=SMALL_BODY).validated_data["reason"]
        return told


class ApprovalSettings(OperatorRoutes):
    """How many administrators have to agree to which clients."""

    @operation(answers="ApprovalSettings")
    def retrieve(self, request: Request) -> HttpResponse:  # noqa: ARG002 - DRF's
        """The rules in force."""
        return json_response(shown_rules(approval_rules.rules()))

    @operation(answers="ApprovalSettings", events=("approvals.settings_updated",), role=Role.OWNER)
    def change(self, request: Request) -> HttpResponse:
        """The rules with the members of the body: `dcr` and `cimd` of 0, 1 or 2, and `modes`."""
        body = self.body(request, limit=SMALL_BODY)
        try:
            after = approval_rules.change_rules(body, actor=self.actor(request))
        except approval_rules.BadRules as error:
            raise Invalid(str(error)) from None
        return json_response(shown_rules(after))


def _do(change: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """What the service returns. Raises: Refused."""
    try:
        return change(*args, **options)
    except (ClientUnknown, approval.NoSuchApproval) as error:
        raise NotFound(str(error)) from None
    except (ClientInWrongState, approval.AlreadyDecided) as error:
        raise Conflict(str(error)) from None
    except approval.NotTheSameTwice as error:
        raise Refused(status=403, error="access_denied", text=str(error)) from None
