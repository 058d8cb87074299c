"""Prints what went over the wire, with every secret cut short."""

from __future__ import annotations

import json
import re
import sys
from urllib.parse import parse_qsl, urlsplit

SECRET_NAMES = {
    "access_token", "refresh_token", "client_secret", "code", "code_verifier", "code_challenge",
    "state", "password", "csrf_token", "session_id", "registration_access_token", "redirect",
    "sign_in_ticket",
}  # fmt: skip
SHOWN = 6
LONG = 300


def short(value: str) -> str:
    """The beginning of a secret: enough to recognise it, not enough to use it."""
    return f"{value[:SHOWN]}..." if len(value) > SHOWN else value


def step(number: int, title: str) -> None:
    """A heading."""
    say(f"\n{number}. {title}")


def say(text: str) -> None:
    """One line, at once, so that processes do not mix theirs."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def sent(method: str, url: str, *, authorization: str = "", body: bytes = b"") -> None:
    """A request."""
    parts = urlsplit(url)
    query = _pairs(parse_qsl(parts.query))
    say(f"   -> {method} {parts.scheme}://{parts.netloc}{parts.path}{'?' if query else ''}{query}")
    if authorization:
        scheme, _, value = authorization.partition(" ")
        say(f"      Authorization: {scheme} {short(value)}")
    if body:
        say(f"      {_body(body)}")


def received(status: int, *, challenge: str = "", location: str = "", body: bytes = b"") -> None:
    """A response."""
    say(f"   <- {status}")
    if challenge:
        say(f"      WWW-Authenticate: {challenge}")
    if location:
        parts = urlsplit(location)
        where = f"{parts.scheme}://{parts.netloc}{parts.path}" if parts.netloc else parts.path
        query = _pairs(parse_qsl(parts.query))
        say(f"      Location: {where}{'?' if query else ''}{query}")
    if body:
        say(f"      {_body(body)}")


def _body(body: bytes) -> str:
    text = body.decode("utf-8", errors="replace").strip()
    try:
        return _cut(json.dumps(_shortened(json.loads(text))))
    except ValueError:
        pass
    if re.fullmatch(r"[\w.+%~-]+=[^\s]*", text):
        return _cut(_pairs(parse_qsl(text)))
    return _cut(" ".join(text.split()))


def _cut(text: str) -> str:
    return text if len(text) <= LONG else f"{text[:LONG]} ..."


def _shortened(value: object) -> object:
    if isinstance(value, dict):
        return {
            name: short(item)
            if name in SECRET_NAMES and isinstance(item, str)
            else _shortened(item)
            for name, item in value.items()
        }
    if isinstance(value, list):
        return [_shortened(item) for item in value]
    return value


def _pairs(pairs: list[tuple[str, str]]) -> str:
    return "&".join(
        f"{name}={short(value) if name in SECRET_NAMES else value}" for name, value in pairs
    )
