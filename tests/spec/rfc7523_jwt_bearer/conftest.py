"""An enterprise whose identity provider is on the internet."""

from __future__ import annotations

import pytest

from tests.support.idp import enterprise
from tests.support.published import internet


@pytest.fixture
def world(monkeypatch):
    with internet(monkeypatch) as reachable:
        yield reachable


@pytest.fixture
def ema(scene, world):
    """Enterprise-managed authorization, with everything good."""
    return enterprise(scene, world)
