"""Reading clients: for operators, and to know whether one still holds anything."""

import uuid
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from oauth.clients.errors import ClientUnknown
from oauth.models import AccessToken, Client, RefreshToken


def get_client(client_id: str) -> Client:
    """The client with this id, read from the database.

    Raises: ClientUnknown.
    """
    client: Client | None = None
    if "\x00" not in client_id and client_id.isprintable():
        client = Client.objects.filter(issuer="", client_id=client_id).first()
    if client is None:
        raise ClientUnknown
    return client


def clients(*, status: str = "", source: str = "") -> "QuerySet[Client]":
    """Clients of this server, newest first; all of them, or those of one status or source."""
    found: QuerySet[Client] = Client.objects.filter(issuer="").order_by("-id")
    if status:
        found = found.filter(status=status)
    if source:
        found = found.filter(registration_source=source)
    return found


def count_active() -> int:
    """How many clients may ask for tokens."""
    return int(Client.objects.filter(status=Client.Status.ACTIVE).count())


def holds_live_tokens(client_pk: uuid.UUID, *, now: datetime) -> bool:
    """The client has a token that still counts."""
    return bool(Client.objects.filter(live_grant(now=now), pk=client_pk).exists())


def live_grant(*, now: datetime) -> Q:
    """Clients that can still refresh an authorization, or hold an access token in force."""
    refreshable = RefreshToken.objects.filter(
        family__client=OuterRef("pk"),
        family__revoked_at=None,
        family__expires_at__gt=now,
        consumed_at=None,
        expires__gt=now,
    )
    in_force = AccessToken.objects.filter(
        application=OuterRef("pk"), revoked_at=None, expires__gt=now
    )
    return Q(Exists(refreshable)) | Q(Exists(in_force))
