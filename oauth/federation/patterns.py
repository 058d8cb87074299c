"""Subject patterns: `*` within a segment, `**` across segments, always the whole subject. Pure.

Matching reads the subject once and keeps one set of positions in the pattern, so that its cost is
bounded by the two lengths whatever the pattern says. No regular expression is made of what
operators or issuers write: one that backtracks could stop the token endpoint.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

SEPARATORS: Final = frozenset(":/")
MAX_PATTERN: Final = 512
MAX_SUBJECT: Final = 512
WITHIN: Final = "*"
ACROSS: Final = "**"


def pattern_problem(pattern: object) -> str:
    """What keeps ``pattern`` from being one, in constant words; empty when nothing does."""
    if not isinstance(pattern, str) or not 0 < len(pattern) <= MAX_PATTERN:
        return f"must be text of 1 to {MAX_PATTERN} characters"
    if not pattern.isascii() or not pattern.isprintable() or " " in pattern:
        return "must hold printable ASCII characters without spaces"
    if "***" in pattern:
        return "must not hold more than two asterisks in a row"
    return ""


def matches(pattern: str, subject: str) -> bool:
    """The whole of ``subject`` is what ``pattern`` describes; letters count with their case.

    A wildcard stands for at least one character: `ns:*` is no way to say `ns:`.
    """
    if len(subject) > MAX_SUBJECT or pattern_problem(pattern):
        return False
    literals, within, across, end = _masks(pattern)
    # Bit n is set when everything before step n may have been read.
    reached = 1
    for character in subject:
        stays = reached & (across if character in SEPARATORS else across | within)
        passed = (reached & literals.get(character, 0)) | stays
        reached = (passed << 1) | stays
        if not reached:
            return False
    return bool(reached & end)


def fixed_beginning(pattern: str) -> str:
    """Everything before the first wildcard: what every matching subject begins with."""
    return pattern.partition("*")[0]


def _masks(pattern: str) -> tuple[dict[str, int], int, int, int]:
    """For each kind of step the positions at which it stands, and the position of the end."""
    literals: dict[str, int] = {}
    within = across = 0
    position = 1
    for token in _tokens(pattern):
        if token == ACROSS:
            across |= position
        elif token == WITHIN:
            within |= position
        else:
            literals[token] = literals.get(token, 0) | position
        position <<= 1
    return literals, within, across, position


def _tokens(pattern: str) -> Iterator[str]:
    index = 0
    while index < len(pattern):
        text = ACROSS if pattern.startswith(ACROSS, index) else pattern[index]
        yield text
        index += len(text)
