"""The documents as bytes, encoded once for each state of configuration and registry."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from django.db import InterfaceError, OperationalError

from authplane.core.config import Config, config
from authplane.core.uris import origin
from oauth.keys.jwks import entity_tag
from oauth.metadata.documents import authorization_server_document, protected_resource_document
from oauth.resources.selectors import Directory, directory
from oauth.resources.view import ResourceView


class Document(NamedTuple):
    """A body and its entity tag."""

    body: bytes
    tag: str


class Publication:
    """Every document for one configuration and one reading of the registry."""

    def __init__(self, present: Config, known: Directory) -> None:
        self.config = present
        self.directory = known
        self.server = encoded(authorization_server_document(present, resources=known.resources))
        self._encoded: dict[str, Document] = {}
        self._by_place: dict[tuple[str, str], ResourceView] = {}
        self._by_reference: defaultdict[str, list[ResourceView]] = defaultdict(list)
        for resource in known.resources:
            reference = reference_of(resource.uri)
            if reference is not None:
                self._by_place[authority(resource.uri), reference] = resource
                self._by_reference[reference].append(resource)

    def protected_resource(self, reference: str, *, query: str, host: str) -> Document | None:
        """The metadata of the resource that ``reference`` leads to; None when there is none.

        References are paths of resource URIs or slugs. Two resources on different hosts can have
        the same path: the one on the host that was asked wins, then one on our own, then a slug,
        then a path that only one resource has.
        """
        places = (f"{reference}?{query}", reference) if query else (reference,)
        hosts = (host.lower(), authority(self.config.server.issuer))
        named = [self._by_place.get((at, place)) for at in hosts for place in places]
        slug = self.directory.by_slug.get(reference)
        named.append(slug if slug is not None and slug.uri else None)
        for place in places:
            sharing = self._by_reference.get(place, ())
            named.append(sharing[0] if len(sharing) == 1 else None)
        chosen = next((resource for resource in named if resource is not None), None)
        return None if chosen is None else self._document_of(chosen)

    def _document_of(self, resource: ResourceView) -> Document:
        known = self._encoded.get(resource.uri)
        if known is None:
            issuer = self.config.server.issuer
            known = encoded(protected_resource_document(resource, issuer=issuer))
            self._encoded[resource.uri] = known
        return known


def publication() -> Publication:
    """The documents for what is in force now."""
    global _published  # noqa: PLW0603 - the one remembered publication of this process
    present, known, before = config(), directory(), _published
    if before is None or before.config is not present or before.directory is not known:
        before = _published = Publication(present, known)
    return before


_published: Publication | None = None


def server_metadata() -> Document:
    """Authorization server metadata.

    A process that starts while the database is away serves it without the registry's scopes:
    where to find the endpoints does not depend on them.
    """
    try:
        return publication().server
    except (OperationalError, InterfaceError):
        return encoded(authorization_server_document(config(), resources=()))


def encoded(document: dict[str, Any]) -> Document:
    """The bytes that go out."""
    body = json.dumps(document, separators=(",", ":")).encode()
    return Document(body, entity_tag(body))


def reference_of(uri: str) -> str | None:
    """What follows the well-known name for ``uri``; None when it has no such place.

    Spec: RFC 9728 section 3.1 (path and query are kept, a slash at the end is not).
    """
    if not uri:
        return None
    parts = urlsplit(uri)
    try:
        path = unquote(parts.path, errors="strict")
    except UnicodeDecodeError:
        return None
    path = path.removeprefix("/").removesuffix("/")
    return f"{path}?{parts.query}" if parts.query else path


def authority(uri: str) -> str:
    """Host and, unless it is the default, port."""
    return origin(uri).partition("://")[2]
