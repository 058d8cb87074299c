"""A fronting link as operators write it, checked all at once. No database here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from oauth.resources.body import MAX_NAME, MAX_SCOPES, SLUG
from oauth.resources.errors import Problem
from oauth.resources.scopes import is_scope_name

ENDS: Final = {"source": "source_slug", "target": "target_slug"}
"""Both spellings of the members that name the resources."""

ScopeMap = dict[str, list[str]]


def read_link(body: Mapping[str, Any]) -> tuple[dict[str, str], ScopeMap, list[Problem]]:
    """The slugs by end, the scope map, and everything that is wrong with their shape."""
    known = {*ENDS, *ENDS.values(), "scope_map"}
    problems = [Problem(name, "is not a member of a link") for name in body if name not in known]
    slugs: dict[str, str] = {}
    for end in ENDS:
        slugs[end], wrong = _slug(body, end)
        problems += wrong
    if not problems and slugs["source"] == slugs["target"]:
        problems.append(Problem("target", "must not be the source itself"))
    scope_map, wrong = read_scope_map(body.get("scope_map"))
    return slugs, scope_map, problems + wrong


def read_scope_map(value: Any) -> tuple[ScopeMap, list[Problem]]:
    """The map of each source scope to its target scopes, and everything that is wrong with it."""
    if value is None:
        return {}, [Problem("scope_map", "is required")]
    if not isinstance(value, dict) or not 1 <= len(value) <= MAX_SCOPES:
        text = f"must be an object with 1 to {MAX_SCOPES} source scopes"
        return {}, [Problem("scope_map", text)]
    problems = [problem for name, targets in value.items() for problem in _entry(name, targets)]
    return ({} if problems else {name: list(targets) for name, targets in value.items()}), problems


def _slug(body: Mapping[str, Any], end: str) -> tuple[str, list[Problem]]:
    given = [body[name] for name in (end, ENDS[end]) if body.get(name) is not None]
    if not given:
        return "", [Problem(end, "is required")]
    if any(value != given[0] for value in given):
        return "", [Problem(end, f"and {ENDS[end]} name different resources")]
    slug = given[0].lower() if isinstance(given[0], str) else ""
    if not SLUG.fullmatch(slug):
        return "", [Problem(end, "must be the slug of a resource")]
    return slug, []


def _entry(name: str, targets: Any) -> Iterator[Problem]:
    """A name is repeated in a problem only when it could be one: the rest is anybody's text."""
    place = f"scope_map.{name}" if _is_scope(name) else "scope_map"
    if not _is_scope(name):
        yield Problem(place, "has a source scope that is empty or no scope name")
    if not isinstance(targets, list) or not 1 <= len(targets) <= MAX_SCOPES:
        yield Problem(place, f"must be a list of 1 to {MAX_SCOPES} target scopes")
    elif not all(map(_is_scope, targets)):
        yield Problem(place, "must hold names of target scopes alone")
    elif len(set(targets)) < len(targets):
        yield Problem(place, "repeats a target scope")


def _is_scope(name: Any) -> bool:
    return isinstance(name, str) and len(name) <= MAX_NAME and is_scope_name(name)
