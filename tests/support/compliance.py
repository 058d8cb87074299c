"""pytest plugin: specification marks in, the specification matrix out.

A requirement counts as proven only when a passing test of it sent an HTTP request that was
refused. Other passing tests are listed as "shown", requirements without a test as "none".
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

REQUIREMENTS = Path("docs/reference/requirements.yaml")
RANK = {"refused": 3, "shown": 2, "skipped": 1, "failing": 0, "none": 0}
CLIENT_ERROR = 400


class Rule(NamedTuple):
    """One row of the matrix."""

    document: str
    section: str
    level: str
    requirement: str


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--spec-matrix",
        metavar="FILE",
        help="write the specification matrix to FILE (Markdown) and beside it as JSON",
    )
    parser.addoption(
        "--spec-matrix-check",
        metavar="FILE",
        help="run nothing; fail when the matrix in FILE does not know the marks of the tests",
    )


def pytest_collection_finish(session: pytest.Session) -> None:
    """With --spec-matrix-check the session ends here, with what is stale."""
    file = session.config.getoption("--spec-matrix-check")
    if not file or hasattr(session.config, "workerinput"):
        return
    marked = {
        (*rule, item.nodeid.split("[")[0]) for item in session.items for rule in rules_of(item)
    }
    target = (session.config.rootpath / file).with_suffix(".json")
    rows = json.loads(target.read_text(encoding="utf-8")) if target.exists() else []
    known = {(*(row[name] for name in Rule._fields), test) for row in rows for test in row["tests"]}
    stale = [f"not in the matrix: {row}" for row in sorted(marked - known)]
    stale += [f"only in the matrix: {row}" for row in sorted(known - marked)]
    pytest.exit("\n".join([*stale, "run: make matrix"]) if stale else "fresh", int(bool(stale)))


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(MatrixWriter(config), "spec-matrix")


def rules_of(item: pytest.Item) -> list[Rule]:
    """The marks of a test. Raises: pytest.UsageError for a mark that is not four texts."""
    found = []
    for mark in item.iter_markers("spec"):
        if len(mark.args) != len(Rule._fields) or not all(isinstance(a, str) for a in mark.args):
            raise pytest.UsageError(f"{item.nodeid}: spec(document, section, level, requirement)")
        found.append(Rule(*mark.args))
    return found


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    rules = rules_of(item)
    if not rules:
        return (yield)
    with _watched_http() as seen:
        result = yield
    item.user_properties.append(
        ("spec", json.dumps({"rules": rules, "refused": any(seen), "http": bool(seen)}))
    )
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: Any) -> Iterator[None]:
    report = yield
    if rules := rules_of(item):
        report.user_properties = [
            *[p for p in report.user_properties if p[0] != "spec-rules"],
            ("spec-rules", json.dumps(rules)),
        ]
    return report


def was_refused(*, status: int, location: str, body: bytes) -> bool:
    """The answer says no: an error status, an error redirect, or an inactive token."""
    if status >= CLIENT_ERROR:
        return True
    parts = urlsplit(location)
    if "error" in parse_qs(parts.query) or "error" in parse_qs(parts.fragment):
        return True
    if body[:1] != b"{":
        return False
    try:
        return json.loads(body).get("active") is False
    except ValueError:
        return False


@contextmanager
def _watched_http() -> Iterator[list[bool]]:
    """Collects, for every HTTP answer that the test sees, whether it was a refusal."""
    import django.test
    import httpx

    seen: list[bool] = []
    by_django, by_httpx = django.test.Client.request, httpx.Client.send

    def django_request(self: Any, **request: Any) -> Any:
        response = by_django(self, **request)
        body = b"" if getattr(response, "streaming", False) else response.content
        location = response.headers.get("location", "")
        seen.append(was_refused(status=response.status_code, location=location, body=body))
        return response

    def httpx_send(self: Any, request: Any, **options: Any) -> Any:
        response = by_httpx(self, request, **options)
        body = b"" if options.get("stream") else response.content
        location = response.headers.get("location", "")
        seen.append(was_refused(status=response.status_code, location=location, body=body))
        return response

    django.test.Client.request = django_request  # type: ignore[method-assign]
    httpx.Client.send = httpx_send  # type: ignore[method-assign]
    try:
        yield seen
    finally:
        django.test.Client.request = by_django  # type: ignore[method-assign]
        httpx.Client.send = by_httpx  # type: ignore[method-assign]


class MatrixWriter:
    """Gathers reports, from parallel workers too, and writes the matrix at the end."""

    def __init__(self, config: pytest.Config) -> None:
        self.target: str | None = config.getoption("--spec-matrix")
        self.root = config.rootpath
        self.rows: dict[Rule, dict[str, str]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        properties = dict(report.user_properties)
        if "spec-rules" not in properties or not (report.when == "call" or not report.passed):
            return
        seen = json.loads(properties.get("spec", "{}"))
        state = "skipped" if report.skipped else "failing"
        if report.passed:
            state = "refused" if seen.get("refused") else "shown"
        for rule in (Rule(*row) for row in json.loads(properties["spec-rules"])):
            tests = self.rows.setdefault(rule, {})
            name = report.nodeid.split("[")[0]
            known = tests.get(name)
            tests[name] = state if known is None else _worse_or_better(known, state)

    def pytest_sessionfinish(self) -> None:
        if self.target:
            write_matrix(
                self.root / self.target, rows=self.rows, required=required_rules(self.root)
            )


def _worse_or_better(known: str, new: str) -> str:
    """One failing case spoils a test; otherwise the strongest of its cases speaks."""
    if "failing" in {known, new}:
        return "failing"
    return max(known, new, key=lambda state: RANK[state])


def required_rules(root: Path) -> list[Rule]:
    """The checked-in list of requirements."""
    listed = yaml.safe_load((root / REQUIREMENTS).read_text(encoding="utf-8")) or {}
    return [Rule(document, *map(str, row)) for document, rows in listed.items() for row in rows]


def write_matrix(target: Path, *, rows: dict[Rule, dict[str, str]], required: list[Rule]) -> None:
    """The matrix stands in `target` (Markdown) and beside it with the suffix .json."""
    everything = {rule: rows.get(rule, {}) for rule in [*required, *rows]}
    table = [
        {
            **rule._asdict(),
            "state": _state_of(tests),
            "tests": sorted(tests),
        }
        for rule, tests in sorted(everything.items(), key=lambda pair: _order(pair[0]))
    ]
    target.parent.mkdir(parents=True, exist_ok=True)
    target.with_suffix(".json").write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    target.write_text(_as_markdown(table), encoding="utf-8")


def _state_of(tests: dict[str, str]) -> str:
    if "failing" in tests.values():
        return "failing"
    return max(tests.values(), key=lambda state: RANK[state], default="none")


def _order(rule: Rule) -> tuple[str, list[tuple[int, int, str]], str]:
    numbers = [
        (0, int(part), "") if part.isdigit() else (1, 0, part) for part in rule.section.split(".")
    ]
    return rule.document, numbers, rule.requirement


def _as_markdown(table: list[dict[str, Any]]) -> str:
    counts = {state: sum(row["state"] == state for row in table) for state in RANK}
    lines = [
        "# Specification matrix",
        "",
        "Written by the test run; do not edit. **refused**: a passing test sends a request that",
        "breaks the rule and sees the refusal. **shown**: a passing test shows the behaviour,",
        "with nothing to refuse or without refusing it. **none**: no test. Only the first kind",
        "counts as proof of a prohibition.",
        "",
        " | ".join(f"{state}: {count}" for state, count in counts.items() if count),
        "",
    ]
    document = ""
    for row in table:
        if row["document"] != document:
            document = row["document"]
            lines += ["", f"## {document}", "", "| Section | Level | Requirement | Proof | Tests |"]
            lines += ["|---|---|---|---|---|"]
        tests = "<br>".join(f"`{name.removeprefix('tests/')}`" for name in row["tests"]) or "-"
        requirement = row["requirement"].replace("|", "\\|")
        lines.append(
            f"| {row['section']} | {row['level']} | {requirement} | {row['state']} | {tests} |"
        )
    return "\n".join(lines) + "\n"
