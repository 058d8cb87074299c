"""What `/metrics` says, and what a block of a test changed about it."""

from __future__ import annotations

import re
from base64 import b64encode
from types import TracebackType
from typing import Self

from django.test import Client as Browser

from authplane.core.config import config

SAMPLE = re.compile(r"^(?P<name>[a-z_]+)(?:\{(?P<labels>[^}]*)\})? (?P<value>\S+)$")


def exposition() -> str:
    """The page, as a scraper with the right password reads it."""
    given = config().metrics
    pair = b64encode(f"{given.username}:{given.password}".encode()).decode()
    answer = Browser().get("/metrics", headers={"Authorization": f"Basic {pair}"})
    assert answer.status_code == 200
    return answer.content.decode()


def figures(*beginnings: str) -> dict[tuple[str, str], float]:
    """Name with labels to value, of the metrics whose names begin so; of all without any."""
    lines = [line for line in exposition().splitlines() if line.startswith(beginnings or "")]
    matches = [SAMPLE.match(line) for line in lines]
    return {
        (found["name"], found["labels"] or ""): float(found["value"]) for found in matches if found
    }


class Changes:
    """What a block did to one metric."""

    def __init__(self, name: str, labels: str = "") -> None:
        self.key = (name, labels)

    def __enter__(self) -> Self:
        self.before = self._now()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.by = self._now() - self.before

    def _now(self) -> float:
        name, _ = self.key
        return figures(name).get(self.key, 0.0)


class AllChanges:
    """What a block did to all metrics whose names begin so: name with labels to difference."""

    def __init__(self, *prefixes: str) -> None:
        self.prefixes = prefixes

    def __enter__(self) -> Self:
        self.before = figures(*self.prefixes)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        after = figures(*self.prefixes)
        self.by = {
            f"{name}{{{labels}}}" if labels else name: value - self.before.get((name, labels), 0.0)
            for (name, labels), value in after.items()
            if value != self.before.get((name, labels), 0.0)
        }

    def counted(self) -> dict[str, float]:
        """The same without the parts of histograms."""
        parts = ("_bucket{", "_sum", "_count")
        return {name: by for name, by in self.by.items() if not any(p in name for p in parts)}
