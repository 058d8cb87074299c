"""Read the query of an authorization request without losing what is wrong with it.

Django's own parser keeps the last of repeated parameters and replaces undecodable bytes, so that
two parties may read two different requests from one URL. Nothing is judged here: the validation
decides which defect makes a page and which one a redirect.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

# The request travels once more inside the address of the sign-in page, escaped a second time, and
# has to fit the request line that application servers accept there, too.
MAX_QUERY_CHARACTERS: Final = 6000

# RFC 8707 section 2 lets `resource` repeat; `audience` is read as its alias.
REPEATABLE: Final = frozenset({"resource", "audience"})

# NUL cannot be stored, and line breaks have no place in a value that ends up in a header.
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


class UnreadableQuery(ValueError):
    """The query as a whole cannot be used, so no part of it can be trusted to answer to."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """The parameters of a request; empty ones count as absent.

    `repeated` names those that came more than once and may not; `malformed` those whose value
    is not UTF-8 or holds control characters. Neither kind can be read through `get`.

    Spec: RFC 6749 section 3.1 (MUST treat parameters without a value as omitted; MUST NOT be
    included more than once).
    """

    values: Mapping[str, tuple[str, ...]]
    repeated: frozenset[str]
    malformed: frozenset[str]

    def get(self, name: str) -> str:
        """The single value, or "" when it is absent, repeated or malformed."""
        if name in self.repeated or name in self.malformed:
            return ""
        found = self.values.get(name, ())
        return found[0] if found else ""

    def all(self, name: str) -> tuple[str, ...]:
        """Every value in order of appearance."""
        return self.values.get(name, ())


def read_parameters(query: str) -> Parameters:
    """The parameters of a raw query string as WSGI hands it over (bytes read as Latin-1).

    Raises: UnreadableQuery when it is too long.
    """
    if len(query) > MAX_QUERY_CHARACTERS:
        raise UnreadableQuery
    halves = (pair.partition("=") for pair in query.split("&"))
    return from_pairs((_decode(name), _decode(value)) for name, _, value in halves)


def from_pairs(pairs: Iterable[tuple[str | None, str | None]]) -> Parameters:
    """The same for names and values that are decoded already; None is what was no text."""
    values: dict[str, tuple[str, ...]] = {}
    seen: set[str] = set()
    repeated: set[str] = set()
    malformed: set[str] = set()
    for name, value in pairs:
        if name is None or name == "":
            # A name that cannot be read is an unknown parameter, and unknown ones are ignored.
            continue
        if name in seen and name not in REPEATABLE:
            repeated.add(name)
        seen.add(name)
        if value is None or _CONTROL.search(value):
            malformed.add(name)
        elif value:
            values[name] = (*values.get(name, ()), value)
    return Parameters(values, frozenset(repeated), frozenset(malformed))


def _decode(raw: str) -> str | None:
    """Percent-decoded UTF-8, or None when the bytes are not UTF-8."""
    try:
        text = raw.encode("latin-1").decode("utf-8")
        return unquote(text.replace("+", " "), encoding="utf-8", errors="strict")
    except UnicodeError:
        return None
