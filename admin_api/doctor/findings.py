"""What a check found: good, suspicious, wrong, or not to be told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from admin_api.doctor.scene import Scene


class Level(StrEnum):
    """How bad it is. Only what is wrong fails the whole."""

    FINE = "ok"
    SUSPICIOUS = "warning"
    WRONG = "wrong"
    UNKNOWN = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found. ``text`` never holds a secret; ``advice`` says what to do."""

    level: Level
    text: str
    advice: str = ""


Check = Callable[[Scene], Iterator[Finding]]


def fine(text: str) -> Finding:
    """As it should be."""
    return Finding(Level.FINE, text)


def suspicious(text: str, advice: str) -> Finding:
    """It works, and something about it should be looked at."""
    return Finding(Level.SUSPICIOUS, text, advice)


def wrong(text: str, advice: str) -> Finding:
    """It does not work, or is not safe."""
    return Finding(Level.WRONG, text, advice)


def unknown(text: str) -> Finding:
    """It could not be looked at, or does not exist here."""
    return Finding(Level.UNKNOWN, text)
