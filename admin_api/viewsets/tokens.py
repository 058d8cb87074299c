"""`/admin/tokens`, and those of one user: what was issued, and whether it still counts."""

from __future__ import annotations

import uuid
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from rest_framework.request import Request

from admin_api.exceptions import Conflict, NotFound
from admin_api.lookup import row_id
from admin_api.operations import operation
from admin_api.pagination import Page, part_of
from admin_api.routes import OperatorRoutes, known_parameters
from authplane.accounts.models import User
from authplane.accounts.selectors import find_user
from authplane.core import clock
from authplane.core.http import json_response
from oauth.account.administration import force_logout
from oauth.tokens import administration
from oauth.tokens.issued import issued_tokens, shown_tokens

DEFAULT_LIMIT = 50
FILTERS = ("client_id", "user_id")


class Tokens(OperatorRoutes):
    """Issued access tokens. The tokens themselves are kept nowhere."""

    @operation(query=FILTERS, answers="Token", listed="tokens")
    def list(self, request: Request) -> HttpResponse:
        """Tokens, the newest first; of one client or user alone when that is asked for."""
        known_parameters(request, *FILTERS)
        rows = issued_tokens(
            client=request.GET.get("client_id", ""), user=request.GET.get("user_id", "")
        )
        return _listed(request, rows)

    @operation(status=204, events=("token.revoked", "family.revoked"))
    def remove(self, request: Request, jti: str) -> HttpResponse:
        """The token ends; where the id is that of an authorization, all of its tokens do."""
        try:
            administration.end_token(token_id(jti), now=clock.now(), actor=self.actor(request))
        except administration.TokenUnknown as error:
            raise NotFound(str(error)) from None
        except administration.NotRevocable as error:
            raise Conflict(str(error)) from None
        return HttpResponse(status=204)


class UserTokens(OperatorRoutes):
    """Tokens issued for one user."""

    @operation(answers="Token", listed="tokens")
    def list(self, request: Request, user_id: str) -> HttpResponse:
        """The user's tokens, the newest first."""
        known_parameters(request)
        return _listed(request, issued_tokens(user=str(existing_user(user_id).pk)))

    @operation(answers="ForcedLogout", events=("user.force_logout",))
    def remove(self, request: Request, user_id: str) -> HttpResponse:
        """The user has to sign in again everywhere; no token of the user counts any more.

        `tokens_revoked` counts authorizations, `issuances_revoked` access tokens in force.
        """
        user = existing_user(user_id)
        try:
            ended = force_logout(user.pk, now=clock.now(), actor=self.actor(request))
        except User.DoesNotExist:
            raise NotFound("user not found") from None
        return json_response(
            {
                "user_id": str(user.pk),
                "tokens_revoked": ended.families,
                "issuances_revoked": ended.issuances,
            }
        )


def existing_user(user_id: str) -> User:
    """Raises: NotFound."""
    user = find_user(user_id)
    if user is None:
        raise NotFound("user not found")
    return user


def token_id(text: str) -> uuid.UUID:
    """Raises: NotFound for what is no id at all."""
    return row_id(text, "token not found")


def _listed(request: Request, rows: QuerySet[Any]) -> HttpResponse:
    page = Page.of(request, default=DEFAULT_LIMIT)
    found, tail = part_of(rows, page=page)
    return json_response({"tokens": shown_tokens(found, now=clock.now()), **tail})
