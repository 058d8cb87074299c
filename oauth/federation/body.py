"""The members of a workload issuer as operators write them, checked all at once. No database."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from authplane.core.config import config
from oauth.federation.errors import Problem
from oauth.federation.keys import KeysRejected, accepted
from oauth.federation.patterns import fixed_beginning, pattern_problem
from oauth.federation.presets import PRESETS, Preset, pins_down, preset_of
from oauth.federation.reading import (
    MAX_URI,
    Found,
    is_plain,
    known_members,
    read_flag,
    read_name,
    read_text,
    url_problem,
)
from oauth.federation.rules import MAX_CLAIMS, MAX_RULES

MEMBERS: Final = (
    "name", "preset", "issuer", "jwks_uri", "jwks", "audience", "rules", "enabled",
)  # fmt: skip
FIXED: Final = ("preset", "issuer")
"""What an issuer is cannot be changed: its tokens would be another's."""

CHANGEABLE: Final = tuple(name for name in MEMBERS if name not in FIXED)
RULE_MEMBERS: Final = frozenset({"subject", "client_id", "claims", "single_use"})
MAX_CLAIM: Final = 255


def read_new(body: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """The members of a new issuer as they are stored, and everything that is wrong.

    A member that is null counts as absent. The issuer of a preset that has one may be left out.
    """
    problems = known_members(body, names=MEMBERS)
    given = {name: body[name] for name in MEMBERS if body.get(name) is not None}
    kind = given.get("preset", "generic")
    if not isinstance(kind, str) or kind not in PRESETS:
        problems.append(Problem("preset", f"must be one of {', '.join(PRESETS)}"))
    usual = preset_of(str(kind)).issuer
    if usual:
        given.setdefault("issuer", usual)
    for name in ("name", "issuer"):
        if name not in given:
            problems.append(Problem(name, "is required"))
    given.setdefault("rules", [])
    members, wrong = _read(given, preset=preset_of(str(kind)))
    return {"preset": kind} | members, problems + wrong


def read_change(body: Mapping[str, Any], *, kind: str) -> tuple[dict[str, Any], list[Problem]]:
    """The changed members as they are stored, and everything that is wrong.

    `jwks` may be null, which takes the given keys away; any other null counts as absent.
    """
    problems = known_members(body, names=CHANGEABLE, fixed=FIXED)
    given = {
        name: body[name]
        for name in CHANGEABLE
        if body.get(name) is not None or (name == "jwks" and name in body)
    }
    members, wrong = _read(given, preset=preset_of(kind))
    return members, problems + wrong


def place_problems(members: Mapping[str, Any]) -> Iterator[Problem]:
    """What keeps the issuer, with all of its members, from having keys that can be found."""
    issuer, uri, given = members["issuer"], members["jwks_uri"], members["jwks"]
    if issuer == config().server.issuer:
        yield Problem("issuer", "is this server")
    if given is not None and uri:
        yield Problem("jwks", "and jwks_uri exclude each other")
    if given is None and not uri and url_problem(issuer):
        yield Problem("jwks_uri", "or jwks is required for an issuer that is no https URL")


def _read(given: Mapping[str, Any], *, preset: Preset) -> tuple[dict[str, Any], list[Problem]]:
    members: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, value in given.items():
        if name == "rules":
            members[name], wrong = _rules(value, preset=preset)
        elif name == "jwks":
            members[name], wrong = _jwks(value, preset=preset)
        elif name in READ:
            members[name], wrong = READ[name](name, value)
        else:
            continue
        problems += wrong
    return members, problems


def _issuer(field: str, value: Any) -> Found:
    text, problems = read_text(field, value)
    return text, problems or ([] if text else [Problem(field, "must not be empty")])


def _jwks_uri(field: str, value: Any) -> Found:
    text, problems = read_text(field, value, longest=MAX_URI)
    wrong = url_problem(text) if text else ""
    return text, problems or ([Problem(field, wrong)] if wrong else [])


def _jwks(value: Any, *, preset: Preset) -> Found:
    """The key set as it was given: it is read with the preset's eyes whenever it is used."""
    if value is None:
        return None, []
    try:
        keys = accepted(value, marked=preset.bundle_use)
    except KeysRejected as wrong:
        return None, [Problem("jwks", str(wrong).removeprefix("jwks "))]
    return {"keys": keys}, []


def _rules(value: Any, *, preset: Preset) -> Found:
    if not isinstance(value, list) or len(value) > MAX_RULES:
        return [], [Problem("rules", f"must be a list of at most {MAX_RULES} rules")]
    problems: list[Problem] = []
    rules: list[dict[str, Any]] = []
    for index, rule in enumerate(value):
        place = f"rules[{index}]"
        if not isinstance(rule, dict):
            problems.append(Problem(place, "must be an object"))
            continue
        problems += [Problem(place, text) for text in _rule_problems(rule, preset=preset)]
        rules.append(_stored(rule))
    return rules, problems


def _rule_problems(rule: Mapping[str, Any], *, preset: Preset) -> Iterator[str]:
    yield from (f"has an unknown member {name}" for name in rule if name not in RULE_MEMBERS)
    client_id = rule.get("client_id")
    if not isinstance(client_id, str) or not client_id or not is_plain(client_id):
        yield "must have a client_id"
    if not isinstance(rule.get("single_use") or False, bool):
        yield "must have true or false for single_use"
    claims = rule.get("claims") or {}
    claims_wrong = _claims_problem(claims)
    if claims_wrong:
        yield claims_wrong
    wrong = pattern_problem(rule.get("subject"))
    if wrong:
        yield f"must have a subject, which {wrong}"
    elif not claims_wrong and not pins_down(
        preset, fixed_beginning=fixed_beginning(rule["subject"]), claims=claims
    ):
        yield f"has too wide a subject: it {preset.hint}"


def _claims_problem(claims: object) -> str:
    if not isinstance(claims, dict) or len(claims) > MAX_CLAIMS:
        return f"must have claims that are an object of at most {MAX_CLAIMS} members"
    for name, wanted in claims.items():
        choices = wanted if isinstance(wanted, list) else [wanted]
        if not name or not is_plain(name) or len(name) > MAX_CLAIM or not choices:
            return "must name each claim, and at least one value for it"
        if not all(_is_choice(choice) for choice in choices):
            return "must have texts, whole numbers, true or false as values of claims"
    return ""


def _is_choice(value: object) -> bool:
    if isinstance(value, str):
        return 0 < len(value) <= MAX_CLAIM and value.isprintable()
    return isinstance(value, bool | int) and abs(value) < 2**53


def _stored(rule: Mapping[str, Any]) -> dict[str, Any]:
    """The members that say something, in a fixed order."""
    return {
        name: rule[name]
        for name in ("subject", "client_id", "claims", "single_use")
        if rule.get(name)
    }


READ: Final[dict[str, Callable[[str, Any], Found]]] = {
    "name": read_name,
    "issuer": _issuer,
    "jwks_uri": _jwks_uri,
    "audience": read_text,
    "enabled": read_flag,
}
