"""`/admin/clients`: making clients, changing them, and ending what they may do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from django.http import HttpResponse
from rest_framework.request import Request

from admin_api.exceptions import Conflict, Invalid, NotFound
from admin_api.operations import Role, operation
from admin_api.pagination import Page, envelope
from admin_api.preconditions import Versioned
from admin_api.routes import OperatorRoutes, flag, known_parameters
from admin_api.serializers.clients import RotateSecret, client_view, created_view
from authplane.core.http import json_response
from oauth.clients import services
from oauth.clients.errors import ClientError, ClientHasNoSecret, ClientUnknown
from oauth.clients.selectors import clients, get_client
from oauth.models import Client
from oauth.registration.schema import BadMetadata
from oauth.registration.security import SECURITY_MEMBERS

DEFAULT_LIMIT: Final = 50
ON_CREATION: Final = frozenset({
    "client_name", "redirect_uris", "grant_types", "response_types", "token_endpoint_auth_method",
    "scope", "agent", "agent_description",
    # For clients that sign assertions, which have no secret to generate.
    "jwks", "jwks_uri", "token_endpoint_auth_signing_alg", "application_type",
    *SECURITY_MEMBERS,
})  # fmt: skip
ON_CHANGE: Final = frozenset({*services.EDITABLE, "scope"})


class Clients(OperatorRoutes):
    """OAuth clients, however they came to be known."""

    versioned = Versioned(Client, only={"issuer": ""}, client_id="client_id")

    @operation(query=("status", "source"), answers="Client", listed="clients")
    def list(self, request: Request) -> HttpResponse:
        """Clients, the newest first; of one `status` or `source` alone when that is asked for."""
        known_parameters(request, "status", "source")
        page = Page.of(request, default=DEFAULT_LIMIT)
        wanted = {name: request.GET.get(name, "") for name in ("status", "source")}
        if any("\x00" in value for value in wanted.values()):
            raise Invalid("the query holds a NUL byte")
        return json_response(envelope("clients", clients(**wanted), page=page, render=client_view))

    @operation(answers="CreatedClient", status=201, events=("client.created_admin",))
    def create(self, request: Request) -> HttpResponse:
        """A new client, with its secret when it has one: the only time that it is shown."""
        body = self.body(request)
        with _refusals():
            _require_known(body, ON_CREATION, check=services.read_metadata_and_scope)
            made = services.create_client(body, actor=self.actor(request))
        return json_response(created_view(made.client, secret=made.secret), status=201)

    @operation(answers="Client")
    def retrieve(self, request: Request, client_id: str) -> HttpResponse:  # noqa: ARG002 - DRF's
        """One client."""
        with _refusals():
            return json_response(client_view(get_client(client_id)))

    @operation(answers="Client", events=("client.updated",))
    def change(self, request: Request, client_id: str) -> HttpResponse:
        """The client with the members of the body; what is absent stays."""
        body = self.body(request)
        with _refusals():
            get_client(client_id)
            _require_known(body, ON_CHANGE)
            client = services.update_client(client_id, changes=body, actor=self.actor(request))
        return json_response(client_view(client))

    @operation(answers="Status", events=("client.suspended",))
    def suspend(self, request: Request, client_id: str) -> HttpResponse:
        """The client gets no tokens until it is reactivated."""
        return self._move(request, client_id, services.suspend_client)

    @operation(answers="Status", events=("client.reactivated",))
    def reactivate(self, request: Request, client_id: str) -> HttpResponse:
        """A suspended client works again."""
        return self._move(request, client_id, services.reactivate_client)

    @operation(answers="Status", events=("client.revoked",))
    def revoke(self, request: Request, client_id: str) -> HttpResponse:
        """The client never gets a token again."""
        return self._move(request, client_id, services.revoke_client)

    @operation(
        reads=RotateSecret,
        answers="ClientSecret",
        events=("client.secret_rotated",),
        role=Role.SECURITY,
    )
    def rotate_secret(self, request: Request, client_id: str) -> HttpResponse:
        """A new secret; the old one is good for as long as the body says, by default not at all."""
        asked = self.read(request, RotateSecret) if request.META.get("CONTENT_LENGTH") else None
        overlap = asked.validated_data["overlap"] if asked else 0
        with _refusals():
            made = services.rotate_secret(client_id, overlap=overlap, actor=self.actor(request))
        return json_response({"client_id": client_id, "client_secret": made.secret})

    @operation(query=("force",), status=204, events=("client.deleted",))
    def remove(self, request: Request, client_id: str) -> HttpResponse:
        """The client is gone; while it holds live tokens only with `force=true`."""
        force = flag(request, "force")
        with _refusals():
            services.delete_client(client_id, force=force, actor=self.actor(request))
        return HttpResponse(status=204)

    def _move(self, request: Request, client_id: str, move: Callable[..., Any]) -> HttpResponse:
        with _refusals():
            client = move(client_id, actor=self.actor(request))
        return json_response({"status": client.status})


@contextmanager
def _refusals() -> Iterator[None]:
    """What the services refuse becomes what the operator is told."""
    try:
        yield
    except BadMetadata as bad:
        raise Invalid(bad.description) from None
    except ClientUnknown as error:
        raise NotFound(str(error)) from None
    except ClientHasNoSecret as error:
        raise Invalid(str(error)) from None
    except ClientError as error:
        raise Conflict(str(error)) from None


def _require_known(
    body: Mapping[str, Any],
    known: Iterable[str],
    *,
    check: Callable[[Mapping[str, Any]], object] | None = None,
) -> None:
    """The body names nothing but ``known``; else what ``check`` finds is told in the same answer.

    Raises: Invalid.
    """
    unknown = sorted(set(body) - set(known))
    if not unknown:
        return
    texts = [f"the body may hold: {', '.join(sorted(known))}"]
    try:
        if check:
            check(body)
    except BadMetadata as bad:
        texts.append(bad.description)
    raise Invalid("; ".join(texts))
