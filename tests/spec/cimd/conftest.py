"""A host that publishes documents, reachable by name."""

from __future__ import annotations

import pytest

from tests.support.published import internet


@pytest.fixture
def world(monkeypatch):
    with internet(monkeypatch) as reachable:
        yield reachable
