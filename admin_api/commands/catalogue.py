"""Which commands there are: one for each operation of the operator API, by its path and action."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote

from admin_api.operations import Operation, described, routed

VERBS: Final = {"list": "list", "create": "create", "retrieve": "show", "change": "change",
                "remove": "remove", "add": "add"}  # fmt: skip
"""Actions that mean the same everywhere; any other action is a verb by its own name."""

SYNONYMS: Final = {"get": "show", "retrieve": "show", "update": "change", "edit": "change",
                   "delete": "remove", "rm": "remove", "new": "create", "ls": "list"}  # fmt: skip
"""What people type as well, where no verb of the noun has that name."""

NOUNS: Final = {
    "xaa-policies": "xaa-policies",
    "xaa-subject-mappings": "subject-mappings",
    "grants-broker": "broker-grants",
    "grants-consent": "consents",
    "identity-provider-identities": "identities",
    "resource-policy-exchange-allowed-clients": "exchange-clients",
    "resource-policy-runtime-client-ids": "runtime-clients",
    "resource-policy-connect-allowed-return-urls": "return-urls",
    "resource-policy-rules": "policy-rules",
    "resource-fronting": "resource-fronting",
    "settings-dcr": "dcr",
    "settings-approvals": "approval-rules",
    "settings-limits": "limits",
    "settings-notices": "notices",
}
"""Names of nouns where the path's own words would not be what people say."""

_PARAMETER: Final = re.compile(r"<(?:\w+:)?(\w+)>")


@dataclass(frozen=True, slots=True)
class Command:
    """A noun and a verb, and the operation that they run.

    `parameters` are the names in the path, in its order.
    """

    noun: str
    verb: str
    method: str
    path: str
    view: Any
    action: str
    operation: Operation
    parameters: tuple[str, ...]

    def url(self, values: dict[str, str]) -> str:
        """The path with these values."""
        return _PARAMETER.sub(lambda found: quote(values[found.group(1)], safe=""), self.path)


@lru_cache(maxsize=1)
def commands() -> dict[str, dict[str, Command]]:
    """Noun to verb to command, in alphabetical order of the nouns.

    Where one action has two methods, PATCH is used: both run the same lines.
    """
    found: dict[str, dict[str, Command]] = {}
    for command in _derived():
        verbs = found.setdefault(command.noun, {})
        before = verbs.get(command.verb)
        if before is None or command.method == "PATCH":
            verbs[command.verb] = command
        elif (before.view, before.action) != (command.view, command.action):
            # Two operations would share a name: the later one keeps its action's, so that none is
            # out of reach.
            verbs[f"{command.verb}-{command.method.lower()}"] = command
    return dict(sorted(found.items()))


def _derived() -> Iterator[Command]:
    for method, path, view, action in routed():
        noun, verb = _names(path, action)
        said = described(getattr(view, action)) or Operation(action=action)
        yield Command(
            noun=noun, verb=verb, method=method, path=path, view=view, action=action,
            operation=said, parameters=tuple(_PARAMETER.findall(path)),
        )  # fmt: skip


def _names(path: str, action: str) -> tuple[str, str]:
    """`/admin/users/<id>/tokens`, list: `user-tokens`, `list`. A verb at the end is no noun."""
    head: list[str] = []
    tail: list[str] = []
    for part in path.removeprefix("/admin/").strip("/").split("/"):
        if _PARAMETER.fullmatch(part):
            tail = tail or [""]
        else:
            (tail or head).append(part)
    tail = [part for part in tail if part]
    verb = VERBS.get(action, action.replace("_", "-"))
    if action not in VERBS:
        if tail:
            tail.pop()
        elif len(head) > 1:
            head.pop()
        elif head == [action]:
            # `/admin/stats`: a thing that is only looked at.
            verb = VERBS["retrieve"]
    words = [*head[:-1], singular(head[-1]), *tail] if tail else head
    noun = "-".join(words)
    return NOUNS.get(noun, noun), verb


def singular(noun: str) -> str:
    """The noun for one of them."""
    if noun.endswith("ies"):
        return noun[:-3] + "y"
    return noun[:-1] if noun.endswith("s") and not noun.endswith(("ss", "us")) else noun


def noun_of(word: str, nouns: Iterable[str] | None = None) -> str | None:
    """The noun that is meant: itself, its singular, or either with underscores."""
    known = list(nouns if nouns is not None else commands())
    plain = word.lower().replace("_", "-")
    if plain in known:
        return plain
    return next((noun for noun in known if singular(noun) == plain), None)


def verb_of(word: str, verbs: Iterable[str]) -> str | None:
    """The verb that is meant, by its own name or one that people use for it."""
    known = list(verbs)
    plain = word.lower().replace("_", "-")
    if plain in known:
        return plain
    meant = SYNONYMS.get(plain)
    return meant if meant in known else None


def nearest(word: str, known: Iterable[str]) -> list[str]:
    """What may have been meant, the likeliest first; at most three."""
    names = sorted(known)
    begun = [name for name in names if name.startswith(word.lower())]
    return (begun + [name for name in difflib.get_close_matches(word.lower(), names, cutoff=0.6)
                     if name not in begun])[:3]  # fmt: skip
