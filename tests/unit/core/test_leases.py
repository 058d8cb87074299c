"""Claims that every replica sees and that end by themselves."""

from __future__ import annotations

import pytest

from authplane.core import leases, shared
from authplane.core.models import OneTimeValue

pytestmark = pytest.mark.django_db


@pytest.fixture(params=["shared", "database"])
def place(request, monkeypatch):
    """Where claims are kept: whatever is configured, and the database while Redis is down."""
    if request.param == "database" and shared.is_configured():

        def down(operation):
            raise shared.SharedStateDown

        monkeypatch.setattr(shared, "ask", down)
    return request.param


def test_one_holds_it_until_given_back(place):
    held = leases.claim("a", ttl=60)

    assert held is not None
    assert leases.claim("a", ttl=60) is None
    assert leases.is_claimed("a")
    assert leases.claim("b", ttl=60) is not None
    held.release()
    assert not leases.is_claimed("a")
    assert leases.claim("a", ttl=60) is not None


def test_several_hold_as_many_slots_as_there_are(place):
    held = [leases.claim("s", ttl=60, slots=3) for _ in range(3)]

    assert all(held)
    assert leases.claim("s", ttl=60, slots=3) is None
    held[1].release()
    assert leases.claim("s", ttl=60, slots=3) is not None
    assert leases.claim("s", ttl=60, slots=3) is None


def test_only_the_owner_gives_it_back(place):
    held = leases.claim("a", ttl=60)
    stranger = leases.Lease(held.name, "somebody-else")

    stranger.release()

    assert leases.is_claimed("a")


def test_in_the_database_it_ends_by_itself(frozen_clock, monkeypatch):
    monkeypatch.setattr(shared, "is_configured", lambda: False)
    first = leases.claim("a", ttl=60)
    frozen_clock.shift(61)

    second = leases.claim("a", ttl=60)

    assert second is not None
    first.release()
    assert leases.is_claimed("a"), "a late release must not end the claim of another"
    assert OneTimeValue.objects.count() == 1


@pytest.mark.redis
def test_redis_gives_every_claim_an_end():
    leases.claim("a", ttl=60)

    left = shared.ask(lambda redis: redis.ttl(leases._key("a")))

    assert 0 < left <= 60
