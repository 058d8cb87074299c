"""`/admin/identity-providers`: OpenID providers that people sign in with, and who does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from admin_api.exceptions import Conflict, Invalid, NotFound, Refused
from admin_api.lookup import row_by_id, row_by_slug, row_id
from admin_api.operations import Role, operation
from admin_api.pagination import envelope
from admin_api.preconditions import Versioned, take_version
from admin_api.routes import OperatorRoutes
from admin_api.serializers.sign_in import identity_provider_view, identity_view
from authplane.accounts.selectors import find_user
from authplane.core.http import json_response
from broker.models import FederatedIdentity, IdentityProvider
from broker.signin import accounts, services
from broker.signin.errors import (
    BadProvider,
    IdentityTaken,
    NoSuchProvider,
    ProviderConflict,
    ProviderInUse,
)

ABSENT = "identity provider not found"
NOT_LINKED = "identity not found"
LINK = {"subject", "user_id"}


class IdentityProviders(OperatorRoutes):
    """Where people may sign in."""

    versioned = Versioned(IdentityProvider, key="pk")

    @operation(query=("slug",), answers="IdentityProvider", listed="identity_providers")
    def list(self, request: Request) -> HttpResponse:
        """All providers, the newest first; with `slug` alone, that one."""
        if request.GET.get("slug"):
            row = row_by_slug(IdentityProvider.objects.all(), request, "slug", absent=ABSENT)
            return json_response(identity_provider_view(row))
        page = self.page(request, "slug")
        rows = IdentityProvider.objects.all()
        return json_response(
            envelope("identity_providers", rows, page=page, render=identity_provider_view)
        )

    @operation(
        answers="IdentityProvider",
        status=201,
        events=("identity_provider.created",),
        role=Role.SECURITY,
    )
    def create(self, request: Request) -> HttpResponse:
        """A new provider."""
        row = _do(services.create_provider, self.body(request), actor=self.actor(request))
        return json_response(identity_provider_view(row), status=201)

    @operation(answers="IdentityProvider")
    def retrieve(self, request: Request, key: str) -> HttpResponse:  # noqa: ARG002 - DRF's
        """One provider."""
        return json_response(identity_provider_view(_row(key)))

    @operation(
        answers="IdentityProvider", events=("identity_provider.patched",), role=Role.SECURITY
    )
    def change(self, request: Request, key: str) -> HttpResponse:
        """The provider with the members of the body; with `version`, only while it is that one."""
        body = self.body(request)
        version = take_version(body)
        found = row_id(key, ABSENT)
        row = _do(services.patch_provider, found, body, actor=self.actor(request), version=version)
        return json_response(identity_provider_view(row))

    @operation(status=204, events=("identity_provider.deleted",), role=Role.SECURITY)
    def remove(self, request: Request, key: str) -> HttpResponse:
        """The provider is gone, unless somebody signs in with it."""
        _do(services.delete_provider, row_id(key, ABSENT), actor=self.actor(request))
        return HttpResponse(status=204)


class Identities(OperatorRoutes):
    """Who signs in with a provider."""

    @operation(answers="Identity", listed="identities")
    def list(self, request: Request, key: str) -> HttpResponse:
        """The links of the provider, the newest first."""
        page = self.page(request)
        rows = FederatedIdentity.objects.select_related("provider", "user").filter(
            provider=_row(key)
        )
        return json_response(envelope("identities", rows, page=page, render=identity_view))

    @operation(answers="Identity", status=201, events=("identity.linked",), role=Role.SECURITY)
    def create(self, request: Request, key: str) -> HttpResponse:
        """`subject` is the user `user_id` from now on."""
        provider, body = _row(key), self.body(request)
        if set(body) != LINK or not all(isinstance(value, str) for value in body.values()):
            raise Invalid("subject and user_id are required texts, and nothing else is known")
        user = find_user(body["user_id"])
        if user is None:
            raise Invalid("user_id is nobody's")
        row = _do(
            accounts.link,
            provider=provider, subject=body["subject"], user=user, actor=self.actor(request),
        )  # fmt: skip
        return json_response(identity_view(row), status=201)

    @operation(status=204, events=("identity.unlinked",), role=Role.SECURITY)
    def remove(self, request: Request, key: str, identity: str) -> HttpResponse:
        """The subject is nobody here any more."""
        row = (
            FederatedIdentity.objects.select_related("provider")
            .filter(pk=row_id(identity, NOT_LINKED), provider=_row(key))
            .first()
        )
        if row is None:
            raise NotFound(NOT_LINKED)
        accounts.unlink(provider=row.provider, subject=row.subject, actor=self.actor(request))
        return HttpResponse(status=204)


def _do(change: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """What the service returns.

    Raises: Refused.
    """
    try:
        return change(*args, **options)
    except NoSuchProvider:
        raise NotFound(ABSENT) from None
    except (ProviderConflict, ProviderInUse, IdentityTaken) as error:
        raise Conflict(str(error)) from None
    except (BadProvider, ValueError) as error:
        raise _invalid(error) from None


def _invalid(error: Exception) -> Refused:
    return Invalid(str(error))


def _row(key: str) -> IdentityProvider:
    """Raises: NotFound."""
    return row_by_id(IdentityProvider.objects.all(), key, ABSENT)
