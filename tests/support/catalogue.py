"""Which tests demonstrate what, settings, metrics and audit events: read from their marks.

Reading the sources instead of collecting the tests keeps the answer the same on every database.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from functools import cache
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]


@cache
def demonstrations() -> dict[str, dict[str, list[str]]]:
    """Kind to name to the files with a test that carries `@pytest.mark.shows(kind, name, ...)`."""
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for path in sorted(TESTS.rglob("test_*.py")):
        if "node_modules" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or _name_of(node.func) != "pytest.mark.shows":
                continue
            kind, *names = [ast.literal_eval(argument) for argument in node.args]
            for name in names:
                found[kind][name].append(path.relative_to(TESTS).as_posix())
    return {kind: dict(named) for kind, named in found.items()}


def _name_of(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_name_of(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""
