"""Adding and removing servers. Each change is recorded in its own transaction."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from django.db import transaction

from audit import events, record
from authplane.accounts.models import User
from authplane.core import clock
from authplane.core.ids import id_or_none
from broker.connections.services import revoke
from broker.models import Connection, ConnectState, Profile, Project, UpstreamServer
from broker.servers.addresses import read_address
from broker.servers.errors import (
    BadServer,
    NoSuchServer,
    ServerBusy,
    ServerConflict,
    TooManyServers,
)
from oauth.resources.errors import Problem

DEFAULT_NAME: Final = "Default"
MEMBERS: Final = ("url", "name", "profile")
MAX_NAME: Final = 255
MAX_SERVERS: Final = 100
"""How many servers one user may have: each may be asked, and is kept fresh, on its own."""

TRIES: Final = 3
BY_USER: Final = "user"
REMOVED: Final = "server_removed"


def default_project(user: User) -> Project:
    """The user's default project: made when it is needed first, and once only.

    Two requests that need it at the same time get the same one: the database holds one.
    """
    project, _ = Project.objects.get_or_create(
        user=user, is_default=True, defaults={"name": DEFAULT_NAME}
    )
    return project


def default_profile(user: User) -> Profile:
    """The profile that servers are added to: made when it is needed first, and once only.

    Two requests that need it at the same time get the same one: the database holds one default
    of each.
    """
    profile, _ = Profile.objects.get_or_create(
        project=default_project(user), is_default=True, defaults={"name": DEFAULT_NAME}
    )
    return profile


def add_server(user: User, body: Mapping[str, Any], *, actor: str = "") -> UpstreamServer:
    """A server of the user's. `url` is required; `name` is its host, `profile` the default one.

    Raises: BadServer; NoSuchServer when the profile is not the user's; ServerConflict,
    TooManyServers.
    """
    url, name, profile_id = _read(body)
    with transaction.atomic():
        profile = default_profile(user)
        if profile_id is not None and profile_id != profile.pk:
            chosen = Profile.objects.filter(pk=profile_id, project__user=user).first()
            if chosen is None:
                raise NoSuchServer
            profile = chosen
        # One at a time for each user, so that neither the limit nor the url is passed by two.
        User.objects.select_for_update(no_key=True).only("pk").get(pk=user.pk)
        known = UpstreamServer.objects.filter(profile=profile, url=url).first()
        if known is not None:
            raise ServerConflict(known.pk)
        if UpstreamServer.objects.filter(profile__project__user=user).count() >= MAX_SERVERS:
            raise TooManyServers
        row = UpstreamServer.objects.create(profile=profile, name=name, url=url)
        record.record(
            events.ServerAdded(actor_id=actor or str(user.pk), id=str(row.pk), url=_place(url))
        )
    return row


def disconnect_server(row: UpstreamServer, *, reason: str = BY_USER, actor: str = "") -> bool:
    """Nobody can use the user's account at the server; it was told so. False: nobody could before.

    Hops that are on their way end as if their time were over: they do not connect it again.
    """
    now = clock.now()
    waiting = ConnectState.objects.filter(server=row, consumed_at=None, expires_at__gt=now)
    waiting.update(expires_at=now)
    key = Connection.objects.filter(server=row).values_list("pk", flat=True).first()
    return key is not None and revoke(key, reason=reason, now=now, actor_id=actor)


def remove_server(row: UpstreamServer, *, actor: str = "") -> None:
    """The server is gone. What was connected there is ended first, and the service told.

    Raises: ServerBusy when it is connected again as fast as it is ended.
    """
    owner = str(row.profile.project.user_id)
    for _ in range(TRIES):
        disconnect_server(row, reason=REMOVED, actor=actor)
        with transaction.atomic():
            # Who connects meanwhile waits for this lock, and then finds no server.
            UpstreamServer.objects.select_for_update(of=("self",)).filter(pk=row.pk).first()
            left = Connection.objects.select_for_update(of=("self",)).filter(server=row).first()
            if left is not None and left.status != Connection.Status.REVOKED:
                continue
            deleted, _ = UpstreamServer.objects.filter(pk=row.pk).delete()
            if deleted:
                record.record(
                    events.ServerRemoved(
                        actor_id=actor or owner, id=str(row.pk), url=_place(row.url)
                    )
                )
        return
    raise ServerBusy


def _read(body: Mapping[str, Any]) -> tuple[str, str, uuid.UUID | None]:
    """Url, name and profile of a new server. Raises: BadServer."""
    problems = [
        Problem(ascii(name)[1:-1][:64], "is not a member of a server")
        for name in sorted(set(body) - set(MEMBERS))
    ]
    url, wrong = read_address(body.get("url"))
    if wrong:
        problems.append(Problem("url", wrong))
    name = body.get("name") or (urlsplit(url).hostname or "")
    if not isinstance(name, str) or len(name) > MAX_NAME or not name.isprintable():
        problems.append(Problem("name", f"must be a text of at most {MAX_NAME} characters"))
        name = ""
    profile = id_or_none(body.get("profile"))
    if body.get("profile") and profile is None:
        problems.append(Problem("profile", "must be the id of a profile"))
    if problems:
        raise BadServer(problems)
    return url, name.strip(), profile


def _place(url: str) -> str:
    """The URL without its query, in which some servers want keys."""
    return url.partition("?")[0]
