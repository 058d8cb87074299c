"""Builders of rows: good by default, every field a keyword, nothing shared between tests."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.support import oauth_client

if TYPE_CHECKING:
    from authplane.accounts.models import User
    from oauth.models import Client, FrontingLink, Resource

PASSWORD = "correct horse battery staple"
_number = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Confidential:
    """A confidential client and the secret it was given."""

    row: Client
    secret: str


def make_user(*, password: str = PASSWORD, **fields: Any) -> User:
    """An active local user with a usable password."""
    from authplane.accounts.models import User

    fields.setdefault("email", f"user{next(_number)}@example.com")
    user = User(**fields)
    user.set_password(password)
    user.save()
    return user


def person(user: User, *, password: str = PASSWORD) -> oauth_client.User:
    """The same user as a person at the browser."""
    return oauth_client.User(email=user.email or "", password=password)


def make_resource(**fields: Any) -> Resource:
    """A resource with two scopes, `read` (default) and `write`."""
    from oauth.models import Resource

    number = next(_number)
    fields.setdefault("slug", f"resource-{number}")
    fields.setdefault("uri", f"https://mcp{number}.example.com/mcp")
    fields.setdefault("display_name", f"Resource {number}")
    fields.setdefault(
        "scopes",
        [
            {"name": "read", "description": "Read your things.", "default": True},
            {"name": "write", "description": "Change your things."},
        ],
    )
    return Resource.objects.create(**fields)


def make_link(
    source: Resource, target: Resource, scope_map: dict[str, list[str]] | None = None
) -> FrontingLink:
    """A link by which tokens for `source` become tokens for `target`, each scope into itself."""
    from oauth.models import FrontingLink

    mapped = scope_map or {scope["name"]: [scope["name"]] for scope in source.scopes}
    return FrontingLink.objects.create(source=source, target=target, scope_map=mapped)


def make_client(**fields: Any) -> Client:
    """A public client that may use the code and refresh grants with a loopback redirect."""
    from oauth.models import Client

    fields.setdefault("name", f"Client {next(_number)}")
    fields.setdefault("redirect_uris", oauth_client.DEFAULT_REDIRECT)
    fields.setdefault("token_endpoint_auth_method", "none")
    public = fields["token_endpoint_auth_method"] == "none"
    fields.setdefault("client_type", "public" if public else "confidential")
    return Client.objects.create(**fields)


def make_confidential_client(**fields: Any) -> Confidential:
    """A client with a generated secret that may use every grant of its own."""
    from authplane.core.hashing import new_secret
    from oauth.clients.secrets import digest_secret

    secret = new_secret()
    fields.setdefault("token_endpoint_auth_method", "client_secret_basic")
    fields.setdefault("grant_types", ["authorization_code", "refresh_token", "client_credentials"])
    return Confidential(
        row=make_client(client_secret=digest_secret(secret), **fields), secret=secret
    )


def driver_for(
    client: Client | Confidential, *, base: oauth_client.OAuthClient, **members: Any
) -> oauth_client.OAuthClient:
    """A driver that is this client, in a fresh browser of the same server as `base`."""
    row = client.row if isinstance(client, Confidential) else client
    members.setdefault("client_secret", client.secret if isinstance(client, Confidential) else None)
    members.setdefault("auth_method", row.token_endpoint_auth_method)
    return base.sibling(client_id=row.client_id, **members)
