"""Read `WWW-Authenticate`. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from broker.providers.configuration import SCOPE

MAX_HEADER: Final = 8192
MAX_SCOPES: Final = 50
BEARER: Final = "bearer"
_WORD: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_GAP: Final = re.compile(r"[ \t,]*")
_PARAMETER: Final = re.compile(rf'({_WORD})[ \t]*=[ \t]*(?:({_WORD})|"((?:[^"\\]|\\.)*)")')
_SCHEME: Final = re.compile(rf"({_WORD})(?:[ \t]+[A-Za-z0-9._~+/-]+=*(?=[ \t]*(?:,|$)))?")
_ESCAPE: Final = re.compile(r"\\(.)")


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a Bearer challenge says; all empty without one."""

    resource_metadata: str = ""
    scopes: tuple[str, ...] = ()


def read_challenge(header: str) -> Challenge:
    """The Bearer challenge of a header; an empty one where there is none that can be read.

    Spec: RFC 9110 section 11.6.1 (several challenges in one header); RFC 9728 section 5.1; RFC
    6750 section 3 (`scope`).
    """
    for scheme, parameters in _challenges(header[:MAX_HEADER]):
        if scheme == BEARER:
            return Challenge(
                parameters.get("resource_metadata", ""), scopes_in(parameters.get("scope", ""))
            )
    return Challenge()


def scopes_in(value: Any) -> tuple[str, ...]:
    """The scopes of a text with spaces or of a list; what is none is left out."""
    named = value.split() if isinstance(value, str) else value if isinstance(value, list) else ()
    found = [one for one in named if isinstance(one, str) and SCOPE.fullmatch(one)]
    return tuple(dict.fromkeys(found))[:MAX_SCOPES]


def _challenges(header: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Each challenge up to the first thing that is none. Of two equal names the first counts."""
    scheme, at = "", 0
    parameters: dict[str, str] = {}
    while True:
        at = _end(_GAP.match(header, at))
        if found := _PARAMETER.match(header, at):
            name, plain, quoted = found.groups()
            text = plain if quoted is None else _ESCAPE.sub(r"\1", quoted)
            parameters.setdefault(name.lower(), text)
        elif found := _SCHEME.match(header, at):
            if scheme:
                yield scheme, parameters
            scheme, parameters = found.group(1).lower(), {}
        else:
            break
        at = found.end()
    if scheme:
        yield scheme, parameters


def _end(found: re.Match[str] | None) -> int:
    assert found is not None  # noqa: S101 - the pattern matches nothing as well
    return found.end()
