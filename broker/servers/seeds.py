"""Remote MCP servers that exist after the first start."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from authplane.accounts.models import User
from authplane.accounts.selectors import find_by_email, find_user
from authplane.core.config import config
from authplane.core.seeding import Section
from broker.models import UpstreamServer
from broker.servers.addresses import read_address
from broker.servers.errors import BadServer, NoSuchServer, ServerConflict, TooManyServers
from broker.servers.services import add_server
from oauth.resources.errors import Problem

Seed = Mapping[str, Any]
NAME: Final = "mcp_servers"
USER: Final = "user"


def named_user(text: object) -> User:
    """The user with this e-mail address or id. Raises: BadServer."""
    value = text if isinstance(text, str) else ""
    found = find_by_email(value.replace("\0", "")) if "@" in value else find_user(value)
    if found is None:
        raise BadServer([Problem(USER, "is not the e-mail address or id of a user")])
    return found


def _name(seed: Seed) -> str:
    return f"{seed.get('url', '')} of {seed.get(USER, '')}"


def _exists(seed: Seed) -> bool:
    """Whether the user has the server, in whichever profile."""
    try:
        user = named_user(seed.get(USER))
    except BadServer:
        return False
    url, _ = read_address(seed.get("url"))
    rows = UpstreamServer.objects.filter(profile__project__user=user)
    return bool(url) and rows.filter(url=url).exists()


def _create(seed: Seed, actor: str) -> object:
    members = {name: value for name, value in seed.items() if name != USER}
    return add_server(named_user(seed.get(USER)), members, actor=actor)


MCP_SERVERS: Final = Section(
    noun="MCP server",
    name_of=_name,
    exists=_exists,
    create=_create,
    refusals=(BadServer, NoSuchServer, ServerConflict, TooManyServers),
)
"""Known by user and URL. The user has to be there: seeds make none."""


def configured_servers() -> list[Seed]:
    """The seeds of the configuration."""
    return list(config().seeds.mcp_servers)
