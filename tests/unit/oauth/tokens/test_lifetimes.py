"""How long things live."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authplane.core.config import override_config
from oauth.tokens import lifetimes

NOW = datetime(2026, 3, 14, tzinfo=UTC)
seconds = st.integers(1, 10**7)


@given(seconds, seconds, seconds)
def test_a_refresh_token_slides_but_never_past_its_family(refresh_ttl, family_ttl, later):
    with override_config(tokens={"refresh_ttl": refresh_ttl, "family_ttl": family_ttl}):
        end = lifetimes.family_end(NOW)
        moment = NOW + timedelta(seconds=later)
        expires = lifetimes.refresh_end(moment, family_expires_at=end)

    assert expires <= end
    assert expires == min(moment + timedelta(seconds=refresh_ttl), end)


@pytest.mark.parametrize(
    ("window", "after", "expected"),
    [(10, 0, True), (10, 10, True), (10, 10.001, False), (0, 0, False), (1, 0.5, True)],
)
def test_the_replay_window(window, after, expected):
    with override_config(tokens={"refresh_replay_window": window}):
        moment = NOW + timedelta(seconds=after)
        assert lifetimes.within_replay_window(NOW, now=moment) == expected
