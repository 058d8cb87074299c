"""Habits that no linter knows: small modules, telling names, no unfinished words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
APPS = ("authplane", "audit", "oauth", "broker", "admin_api")
LONGEST = 300
VAGUE = {"utils", "helpers", "common", "misc", "tools", "handlers"}
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK|NotImplementedError)\b")

REASONS = {
    "oauth/errors.py": "one table of every reason and its answer; splitting it would hide gaps",
    "authplane/core/areas/operation.py": "one declaration per setting, read as a list",
    "authplane/core/areas/protocol.py": "one declaration per setting, read as a list",
    "authplane/settings/base.py": "Django's settings in one place",
    "audit/events.py": "the closed catalogue: one declaration per event, read as a list",
    "oauth/error_reference.py": "one entry per error code, read as a list",
}


def sources() -> list[Path]:
    return [
        path
        for app in APPS
        for path in sorted((ROOT / app).rglob("*.py"))
        if "migrations" not in path.parts
    ]


def test_no_module_is_longer_than_a_reader_can_hold():
    lengths = {
        path.relative_to(ROOT).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for path in sources()
    }

    too_long = {name: n for name, n in lengths.items() if n > LONGEST and name not in REASONS}

    assert too_long == {}, "split it, or give a reason in REASONS"


def test_reasons_for_length_are_given_only_for_modules_that_exist():
    assert [name for name in REASONS if not (ROOT / name).exists()] == []


def test_modules_are_named_for_what_they_decide():
    assert [path for path in sources() if path.stem in VAGUE] == []


@pytest.mark.parametrize("path", sources(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_nothing_is_left_unfinished(path):
    assert UNFINISHED.findall(path.read_text(encoding="utf-8")) == []
