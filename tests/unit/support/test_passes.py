"""What is tried once more, and what never is."""

from __future__ import annotations

import json
import os

import pytest

from tests.support import passes

SUITE = """
import pathlib, pytest
mark = pathlib.Path("tried")

@pytest.mark.server
def test_slow_to_answer():
    tried = mark.exists()
    mark.touch()
    assert tried

@pytest.mark.server
def test_never():
    assert False

def test_ours():
    assert False
"""


@pytest.fixture
def suite(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\nmarkers =\n  server\n  browser\n  node\n  sdk\n"
    )
    (tmp_path / "test_it.py").write_text(SUITE)
    environment = {n: v for n, v in os.environ.items() if not n.startswith(("PYTEST", "DJANGO"))}

    def after(*failed):
        cache = tmp_path / ".pytest_cache/v/cache"
        cache.mkdir(parents=True, exist_ok=True)
        names = {f"test_it.py::{name}": True for name in failed}
        (cache / "lastfailed").write_text(json.dumps(names))
        return passes.passes_alone(environment)

    return after


def test_what_waits_for_others_is_tried_once_more(suite, tmp_path):
    (tmp_path / "tried").touch()

    assert suite("test_slow_to_answer")


def test_what_fails_again_has_failed(suite):
    assert not suite("test_never")
    assert not suite("test_slow_to_answer", "test_never")


@pytest.mark.parametrize("failed", [("test_ours",), ("test_slow_to_answer", "test_ours"), ()])
def test_what_fails_in_this_process_is_not_tried_again(suite, tmp_path, failed):
    (tmp_path / "tried").touch()

    assert not suite(*failed)


def test_many_failures_are_no_accident(suite, tmp_path):
    assert not suite("test_slow_to_answer", "test_never", "test_ours", "test_other")
