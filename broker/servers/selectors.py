"""Servers by whose they are: Server -> Profile -> Project -> User, always in one query."""

from __future__ import annotations

import uuid

from django.db.models import QuerySet

from audit import events, record
from authplane.accounts.models import User
from broker.models import UpstreamServer
from broker.servers.errors import ForeignServer, NoSuchServer


def with_chain() -> QuerySet[UpstreamServer]:
    """Servers with everything that says whose they are and what is known about them."""
    return UpstreamServer.objects.select_related("profile__project", "config", "connection")


def servers_of(user: User) -> QuerySet[UpstreamServer]:
    """The user's servers, the newest first."""
    return with_chain().filter(profile__project__user=user).order_by("-id")


def owned_server(key: uuid.UUID, *, user: User) -> UpstreamServer:
    """The user's server.

    Looked up by id alone and compared afterwards: a query for the user's own would hide that
    somebody asks for servers of others, which is recorded.

    Raises: NoSuchServer, ForeignServer.
    """
    row = with_chain().filter(pk=key).first()
    if row is None:
        raise NoSuchServer
    if row.profile.project.user_id != user.pk:
        record.record_refusal(events.ServerOwnershipViolated(actor_id=str(user.pk), id=str(row.pk)))
        raise ForeignServer
    return row
