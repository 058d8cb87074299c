"""The members of a resource as operators write them, checked all at once. No database here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from authplane.core.ids import id_or_none
from oauth.resources.errors import Problem
from oauth.resources.policy_body import read_policy
from oauth.resources.scopes import is_scope_name
from oauth.resources.view import OFFLINE_ACCESS

SLUG: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
URI: Final = re.compile(r"[\x21-\x7e]{1,2048}")
NOT_IN_URI: Final = re.compile(r"[<>\"\\^`{|}]")
KINDS: Final = ("mint", "broker")
MAX_NAME: Final = 255
MAX_DESCRIPTION: Final = 1000
MAX_SCOPES: Final = 200

MEMBERS: Final = (
    "slug", "uri", "backend_kind", "broker_provider_id", "broker_provider_slug", "display_name",
    "scopes", "policy",
)  # fmt: skip
SCOPE_MEMBERS: Final = frozenset({"name", "description", "upstream", "default"})

Found = tuple[Any, list[Problem]]


def read_body(
    body: Mapping[str, Any], *, required: tuple[str, ...]
) -> tuple[dict[str, Any], list[Problem]]:
    """The accepted members in the form they are stored in, and everything that is wrong.

    A member that is null counts as absent. Which provider is meant, if any, is left to the
    registry: `broker_provider_id` is an id or None, `broker_provider_slug` a text.
    """
    problems = [Problem(name, "is not a member of a resource") for name in body if name not in READ]
    given = {name: value for name, value in body.items() if name in READ and value is not None}
    problems += [Problem(name, "is required") for name in required if name not in given]
    accepted: dict[str, Any] = {}
    for name, value in given.items():
        accepted[name], wrong = READ[name](value)
        problems += wrong
    return accepted, problems


def _slug(value: Any) -> Found:
    slug = value.lower() if isinstance(value, str) else ""
    if SLUG.fullmatch(slug):
        return slug, []
    return slug, [
        Problem("slug", "must be 1 to 64 of a-z, 0-9 and -, beginning with a letter or digit")
    ]


def _uri(value: Any) -> Found:
    text = value if isinstance(value, str) else None
    wrong = "must be text" if text is None else uri_problem(text)
    return text, [Problem("uri", wrong)] if wrong else []


def uri_problem(uri: str) -> str:
    """What keeps ``uri`` from being an audience; empty when nothing does.

    Spec: RFC 8707 section 2 (MUST be absolute, MUST NOT have a fragment).
    """
    if uri and (not URI.fullmatch(uri) or NOT_IN_URI.search(uri)):
        return "must have at most 2048 characters, none of them a space or outside ASCII"
    try:
        parts = urlsplit(uri)
        absolute = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        return "is not a URI"
    if uri and not absolute:
        return "must be an absolute http or https URI with a host"
    if "#" in uri:
        return "must not have a fragment"
    return "must not name a user" if "@" in parts.netloc else ""


def _backend_kind(value: Any) -> Found:
    if isinstance(value, str) and value in KINDS:
        return value, []
    return value, [Problem("backend_kind", f"must be {' or '.join(KINDS)}")]


def _provider_id(value: Any) -> Found:
    """Empty, as it is shown where there is none, is none."""
    if value == "":
        return None, []
    found = id_or_none(value)
    return found, [] if found else [Problem("broker_provider_id", "must be the id of a provider")]


def _provider_slug(value: Any) -> Found:
    slug = value.lower() if isinstance(value, str) else "/"
    if not slug or SLUG.fullmatch(slug):
        return slug, []
    return "", [Problem("broker_provider_slug", "must be the slug of a provider")]


def _display_name(value: Any) -> Found:
    name = value.strip() if isinstance(value, str) else ""
    good = isinstance(value, str) and len(name) <= MAX_NAME and name.isprintable()
    wrong = f"must have at most {MAX_NAME} printable characters"
    return name, [] if good else [Problem("display_name", wrong)]


def _scopes(value: Any) -> Found:
    if not isinstance(value, list) or len(value) > MAX_SCOPES:
        return [], [Problem("scopes", f"must be a list of at most {MAX_SCOPES} scopes")]
    problems = list(_scope_list_problems(value))
    if problems:
        return [], problems
    return [_stored_scope(scope) for scope in value], []


def _scope_list_problems(scopes: list[Any]) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, scope in enumerate(scopes):
        place = f"scopes[{index}]"
        if not isinstance(scope, dict):
            yield Problem(place, "must be an object")
            continue
        yield from (Problem(place, text) for text in _scope_problems(scope))
        name = scope.get("name")
        if isinstance(name, str):
            if name in seen:
                yield Problem(place, "repeats a name")
            seen.add(name)


def _scope_problems(scope: dict[str, Any]) -> Iterator[str]:
    yield from (f"has an unknown member {name}" for name in scope if name not in SCOPE_MEMBERS)
    name = scope.get("name")
    if not isinstance(name, str) or len(name) > MAX_NAME or not is_scope_name(name):
        yield "must have a name without spaces, quotes and backslashes"
    elif name == OFFLINE_ACCESS:
        yield f"must not be {OFFLINE_ACCESS}, which every resource has"
    description = scope.get("description") or ""
    if (
        not isinstance(description, str)
        or len(description) > MAX_DESCRIPTION
        or not description.isprintable()
    ):
        yield f"must have a description of at most {MAX_DESCRIPTION} printable characters"
    if not _is_upstream(scope.get("upstream") or ""):
        yield "must have one upstream scope or a list of them"
    if not isinstance(scope.get("default") or False, bool):
        yield "must have true or false for default"


def _is_upstream(value: Any) -> bool:
    members = value if isinstance(value, list) else [value]
    return all(isinstance(member, str) and len(member) <= MAX_NAME for member in members)


def _stored_scope(scope: dict[str, Any]) -> dict[str, Any]:
    """The members that say something, in a fixed order.

    An empty list of upstream scopes says that none is needed there.
    """
    return {
        name: scope[name]
        for name in ("name", "description", "upstream", "default")
        if scope.get(name) or (name == "upstream" and scope.get(name) == [])
    }


READ: Final[dict[str, Callable[[Any], Found]]] = dict(
    zip(
        MEMBERS,
        (
            _slug,
            _uri,
            _backend_kind,
            _provider_id,
            _provider_slug,
            _display_name,
            _scopes,
            read_policy,
        ),
        strict=True,
    )
)
