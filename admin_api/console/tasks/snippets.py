"""What the developer of a new client copies: addresses, and a first call that works."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, NamedTuple

from authplane.core.config import config
from oauth.clients.policy import SECRET_METHODS
from oauth.resources.selectors import directory

if TYPE_CHECKING:
    from oauth.models import Client


class Snippet(NamedTuple):
    """A text to copy, and what it is."""

    id: str
    title: str
    text: str


def snippets(client: Client, *, secret: str | None = None) -> list[Snippet]:
    """Settings of the application, and where it can act alone, a call that gets a token.

    ``secret`` stands in the settings once; calls read it from there.
    """
    issuer = config().server.issuer
    lines = [f"OAUTH_ISSUER={issuer}", f"OAUTH_CLIENT_ID={client.client_id}"]
    if secret:
        lines.append(f"OAUTH_CLIENT_SECRET={secret}")
    if client.redirect_uri_list:
        lines.append(f"OAUTH_REDIRECT_URI={client.redirect_uri_list[0]}")
    if client.scope:
        lines.append(f"OAUTH_SCOPE={shlex.quote(client.scope)}")
    found = [Snippet("settings", "Settings", "\n".join(lines))]
    if client.allows_grant_type("client_credentials") and _has_secret(client):
        found.append(Snippet("call", "Get a token", _machine_call(client, issuer)))
    if client.allows_grant_type("authorization_code"):
        found.append(
            Snippet("link", "Where it sends people to sign in", _sign_in_link(client, issuer))
        )
    addresses = [
        f"Metadata       {issuer}/.well-known/oauth-authorization-server",
        f"Authorization  {issuer}/oauth/authorize",
        f"Token          {issuer}/oauth/token",
        f"Keys           {issuer}/.well-known/jwks.json",
    ]
    return [*found, Snippet("addresses", "Addresses", "\n".join(addresses))]


def _has_secret(client: Client) -> bool:
    return client.token_endpoint_auth_method in SECRET_METHODS


def _machine_call(client: Client, issuer: str) -> str:
    resource = _resource_of(client)
    lines = [
        f"curl -sS {issuer}/oauth/token \\",
        '  -u "$OAUTH_CLIENT_ID:$OAUTH_CLIENT_SECRET" \\',
        "  -d grant_type=client_credentials \\",
        f"  -d resource={shlex.quote(resource)} \\" if resource else "",
        f"  --data-urlencode {shlex.quote('scope=' + client.scope)}",
    ]
    return "\n".join(line for line in lines if line)


def _sign_in_link(client: Client, issuer: str) -> str:
    """In lines, to be read; the challenge is made anew for each sign-in."""
    resource = _resource_of(client)
    redirect = client.redirect_uri_list[0] if client.redirect_uri_list else "..."
    lines = [
        f"{issuer}/oauth/authorize?response_type=code",
        f"  &client_id={client.client_id}",
        f"  &redirect_uri={redirect}",
        f"  &resource={resource}" if resource else "",
        "  &code_challenge=<BASE64URL(SHA-256(verifier))>&code_challenge_method=S256",
        "  &state=<random>",
    ]
    return "\n".join(line for line in lines if line)


def _resource_of(client: Client) -> str:
    """The first resource that knows all of the client's scopes."""
    ceiling = client.scope_ceiling
    for resource in directory().resources:
        if (
            resource.uri
            and resource.backend_kind != "issuer"
            and (not ceiling or resource.scope_names >= ceiling)
        ):
            return resource.uri
    return ""
