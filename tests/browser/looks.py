"""The looks a page is checked in: it is opened once, and wears one after the other."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.browser.conftest import keep_picture
from tests.support.node import FOLDER

AXE = FOLDER / "node_modules" / "axe-core" / "axe.min.js"
needs_axe = pytest.mark.skipif(
    not AXE.exists(), reason="needs axe-core: python -m tests.support.node"
)
# What the accessibility check is asked. It names elements by their HTML, so it need not look for
# selectors, nor list every element that is as it should be.
BRIEF = {"resultTypes": ["violations"], "selectors": False}
GUIDELINES = BRIEF | {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
}
DEFAULTS = BRIEF


@dataclass(frozen=True, slots=True)
class Look:
    """A size of the window and the colours the person asked for."""

    name: str
    width: int
    height: int
    color_scheme: str = "light"
    forced_colors: str = "none"
    rules: bool = True
    """Whether the accessibility check runs in it; nothing may be cut off in any."""

    @property
    def context(self) -> dict[str, Any]:
        """Options of a browser profile that has this look from the beginning."""
        return {
            "viewport": {"width": self.width, "height": self.height},
            "color_scheme": self.color_scheme,
            "forced_colors": self.forced_colors,
        }


# The way to a page is gone in the last look, which is a small one: there it is the hardest.
PAGES = (
    Look("light-1000", 1000, 800),
    Look("forced-colors", 1000, 800, forced_colors="active"),
    # WCAG 2.2, 1.4.10: no scrolling in two directions at 320 pixels.
    Look("narrow-320", 320, 600, rules=False),
    Look("narrow-360", 360, 600, rules=False),
    Look("dark-360", 360, 740, color_scheme="dark"),
)
CONSOLE = (
    Look("light", 1280, 900),
    Look("dark", 1280, 900, color_scheme="dark"),
    Look("small", 360, 740),
)

# The browser hears of a look by and by, and may fade from one to the next.
SETTLE = """async look => {
    const worn = () => innerWidth === look.width && innerHeight === look.height
        && matchMedia(`(prefers-color-scheme: ${look.color_scheme})`).matches
        && matchMedia(`(forced-colors: ${look.forced_colors})`).matches;
    scrollTo({top: 0, left: 0, behavior: "instant"});
    for (let frame = 0; frame < 300; frame++) {
        await new Promise(requestAnimationFrame);
        const moving = document.getAnimations().filter(
            one => Number.isFinite(one.effect.getComputedTiming().endTime));
        moving.forEach(one => one.finish());
        if (worn() && !moving.length) return true;
    }
    return false;
}"""
CHECK = """async options => {
    const found = await axe.run(document, options);
    return {
        passes: found.passes.length,
        broken: found.violations.map(
            issue => [issue.id, issue.impact, issue.nodes.map(node => node.html).slice(0, 3)]),
    };
}"""


def every_look(page: Any, looks: Sequence[Look]) -> Iterator[Look]:
    """The page wears each of them, and keeps the last."""
    # What lies under the pointer would change with the width, and its colours with that.
    page.mouse.move(0, 0)
    for look in looks:
        page.emulate_media(color_scheme=look.color_scheme, forced_colors=look.forced_colors)
        page.set_viewport_size({"width": look.width, "height": look.height})
        assert page.evaluate(SETTLE, asdict(look)), f"the page never came to look {look.name}"
        yield look


def broken_rules(page: Any, options: dict[str, Any]) -> list[str]:
    """What the accessibility check finds in the page as it is; nothing without the check."""
    if not AXE.exists():
        return []
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate(CHECK, options)
    assert found["passes"], "the check must have run"
    return [json.dumps(issue) for issue in found["broken"]]


class Inspection:
    """A tab that is looked at page by page; each fault says on which page and in which look."""

    def __init__(
        self, page: Any, looks: Sequence[Look] = PAGES, options: dict[str, Any] | None = None
    ) -> None:
        self.page = page
        self.looks = looks
        self.options = GUIDELINES if options is None else options
        self.faults: list[str] = []
        self.said: list[str] = []
        """What the pages said on the console, which is where broken policies show."""
        self._on_the_way = self._place = f"on the way, {looks[-1].name}"
        self._listening = True
        page.on("console", lambda message: self._hear(message.text))
        page.on("pageerror", lambda error: self._hear(str(error)))

    def _hear(self, text: str) -> None:
        if self._listening:
            self.said.append(f"{self._place}, at {urlsplit(self.page.url).path}: {text}")

    @property
    def report(self) -> str:
        """All of it, a line each."""
        return "\n".join([*self.faults, *self.said])

    def look_at(self, name: str) -> None:
        """The page that the tab is at, in every look; `name` begins the names of its pictures."""
        for look in every_look(self.page, self.looks):
            self._place = f"{name}, {look.name}"
            keep_picture(self.page, f"{name}-{look.name}")
            width = self.page.evaluate("document.documentElement.scrollWidth")
            if width > look.width:
                self.faults.append(f"{self._place}: {width} wide, and the screen {look.width}")
            # The check itself sets styles, which the policy refuses, and complains of it.
            self._listening = False
            broken = broken_rules(self.page, self.options) if look.rules else []
            self._listening = True
            self.faults += [f"{self._place}: {issue}" for issue in broken]
        self._place = self._on_the_way
