from __future__ import annotations

import pytest

from tests.support.exchanging import make_delegation


@pytest.fixture
def delegation(scene):
    """An agent's user token for one resource, and a gateway that exchanges it."""
    return make_delegation(scene)
