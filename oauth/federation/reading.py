"""Members of an operator's JSON body, read strictly: a value of another type is a problem."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from authplane.core.config import config
from oauth.federation.errors import Problem
from oauth.models import Client

MAX_NAME: Final = 255
MAX_TEXT: Final = 512
MAX_URI: Final = 2048
MAX_LIST: Final = 1000

Found = tuple[Any, list[Problem]]


def known_members(
    body: Mapping[str, Any], *, names: tuple[str, ...], fixed: tuple[str, ...] = ()
) -> list[Problem]:
    """One problem for each member that nobody reads, or that cannot be changed."""
    return [
        Problem(name, "cannot be changed" if name in fixed else "is not a known member")
        for name in body
        if name not in names
    ]


def read_name(field: str, value: Any) -> Found:
    """A name for people."""
    name = value.strip() if isinstance(value, str) else ""
    if name and len(name) <= MAX_NAME and name.isprintable():
        return name, []
    return name, [Problem(field, f"must have 1 to {MAX_NAME} printable characters")]


def read_text(field: str, value: Any, *, longest: int = MAX_TEXT) -> Found:
    """Printable ASCII without spaces, compared byte for byte wherever it is used."""
    if isinstance(value, str) and len(value) <= longest and is_plain(value):
        return value, []
    wrong = f"must be text of at most {longest} printable ASCII characters without spaces"
    return "", [Problem(field, wrong)]


def read_flag(field: str, value: Any) -> Found:
    """`true` or `false`."""
    return value, [] if isinstance(value, bool) else [Problem(field, "must be true or false")]


def read_texts(field: str, value: Any) -> Found:
    """A list of texts, each once."""
    if (
        isinstance(value, list)
        and len(value) <= MAX_LIST
        and all(isinstance(text, str) and text and is_plain(text) for text in value)
        and all(len(text) <= MAX_URI for text in value)
    ):
        return list(dict.fromkeys(value)), []
    return [], [Problem(field, f"must be a list of at most {MAX_LIST} texts without spaces")]


def is_plain(text: str) -> bool:
    """Printable ASCII without spaces."""
    return text.isascii() and text.isprintable() and " " not in text


def url_problem(url: str) -> str:
    """What keeps ``url`` from being where something is fetched; "" when nothing does.

    http is for a development server alone, as it is for clients' documents.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "is not a URL"
    schemes = ("https",) if config().cimd.require_https else ("https", "http")
    if parts.scheme not in schemes or not host:
        return "must be an https URL with a host"
    if "#" in url or "@" in parts.netloc:
        return "must have neither a fragment nor a user"
    return ""


def unknown_clients(field: str, client_ids: list[str]) -> list[Problem]:
    """One problem for each id that nobody registered."""
    wanted = {client_id for client_id in client_ids if "\x00" not in client_id}
    rows = (
        Client.objects.filter(issuer="", client_id__in=wanted) if wanted else Client.objects.none()
    )
    known = set(rows.values_list("client_id", flat=True))
    return [
        Problem(field, f"names a client that is not registered: {client_id}")
        for client_id in dict.fromkeys(client_ids)
        if client_id not in known
    ]
