"""How clients, resources and addresses are shown to the person who decides.

Names of clients are whatever the client wrote about itself. They are cleaned of characters that
reorder or hide text, cut to a length, and always stand beside what has been verified.
"""

import unicodedata
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from authplane.core.uris import is_loopback_host
from oauth.models import Client
from oauth.resources.view import ResourceView

_MAX_NAME: Final = 64
_WEB_SCHEMES: Final = frozenset({"http", "https"})
# Control, format (zero-width, bidirectional overrides), surrogate and private-use characters.
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


@dataclass(frozen=True, slots=True)
class ShownClient:
    """A client as pages show it. `verified_host` is "" when nobody vouches for the name."""

    name: str
    verified_host: str


@dataclass(frozen=True, slots=True)
class ShownResource:
    """A resource as pages show it."""

    name: str
    uri: str


@dataclass(frozen=True, slots=True)
class Destination:
    """Where the answer goes, read from the redirect URI as a browser reads it."""

    host: str
    is_this_computer: bool
    is_private_scheme: bool


def shown_client(client: Client) -> ShownClient:
    """Name and verified host: a metadata document proves who controls the host it is served from.

    Spec: MCP authorization 2026-07-28 (Client ID Metadata Documents: the host is displayed).
    """
    is_document = client.registration_source == Client.Source.CIMD
    host = urlsplit(client.client_id).netloc if is_document else ""
    return ShownClient(clean_name(client.name) or "An application without a name", host)


def shown_resource(resource: ResourceView) -> ShownResource:
    """The display name, or what else there is, and the registered URI."""
    return ShownResource(resource.display_name or resource.slug, resource.uri)


def destination(redirect_uri: str) -> Destination:
    """Host and port of the redirect URI; the scheme where it has no host that means anything.

    Parsed, never cut out of the text: in `https://bank.example@evil.example/` the host is
    evil.example.

    Spec: MCP authorization 2026-07-28 (the redirect host is shown, loopback with a warning);
    RFC 8252 section 8.6.
    """
    parts = urlsplit(redirect_uri)
    if parts.scheme not in _WEB_SCHEMES:
        return Destination(f"{parts.scheme}://", is_this_computer=False, is_private_scheme=True)
    host = parts.hostname or ""
    shown = f"[{host}]" if ":" in host else host
    if parts.port is not None:
        shown = f"{shown}:{parts.port}"
    return Destination(shown, is_this_computer=is_loopback_host(host), is_private_scheme=False)


def clean_name(text: str) -> str:
    """`text` without characters that hide or reorder others, on one line, at most 64 characters."""
    visible = "".join(
        " " if character.isspace() else character
        for character in unicodedata.normalize("NFC", text)
        if character.isspace() or unicodedata.category(character) not in _HIDDEN
    )
    tidy = " ".join(visible.split())
    return tidy if len(tidy) <= _MAX_NAME else f"{tidy[: _MAX_NAME - 3].rstrip()}..."
