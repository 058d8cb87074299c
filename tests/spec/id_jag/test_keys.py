"""The keys of identity providers: kept, renewed on rotation, and what happens while one is away."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest

from authplane.core import clock
from oauth.clients import fetching
from oauth.federation import keys
from tests.support.digests import nothing_changes
from tests.support.idp import sample
from tests.support.published import Page, key_set, signing_key
from tests.support.refusals import Refusal, assert_refused

pytestmark = pytest.mark.django_db

HITS = "authserver_oidc_jwks_cache_hits_total"
MISSES = "authserver_oidc_jwks_cache_misses_total"
AWAY = Refusal(503, "temporarily_unavailable", "the keys of the issuer cannot be had, try again")
BAD = Refusal(400, "invalid_grant", "the assertion is invalid, expired, or not trusted here")


def later(monkeypatch, seconds):
    """The server's clock is that much ahead, for the keys alone: assertions are made as usual."""
    moved = keys.verify_signed

    def ahead(*args, now, **options):
        return moved(*args, now=now + timedelta(seconds=seconds), **options)

    from oauth.xaa import assertions

    monkeypatch.setattr(assertions, "verify_signed", ahead)


@pytest.mark.shows(
    "metric", "authserver_oidc_jwks_cache_hits_total", "authserver_oidc_jwks_cache_misses_total"
)
def test_keys_are_fetched_once(ema):
    hits, misses = sample(HITS), sample(MISSES)

    for _ in range(3):
        assert ema.redeem().status_code == 200

    assert ema.idp.fetches() == 1
    assert (sample(HITS) - hits, sample(MISSES) - misses) == (2, 1)


@pytest.mark.shows("setting", "xaa.jwks_cache_ttl")
def test_keys_are_fetched_anew_after_their_time(ema, override_config, monkeypatch):
    override_config(xaa={"jwks_cache_ttl": 100})
    ema.token()
    later(monkeypatch, 99)
    ema.token()
    assert ema.idp.fetches() == 1

    later(monkeypatch, 102)
    ema.token()
    assert ema.idp.fetches() == 2


@pytest.mark.spec("ID-JAG", "4.4.1", "SHOULD", "a rotated key is found by one fetch")
def test_a_key_nobody_knew_makes_one_fetch(ema):
    ema.token()
    ema.idp.rotate("second")

    assert ema.redeem().status_code == 200
    assert ema.redeem().status_code == 200
    assert ema.idp.fetches() == 2


def test_a_withdrawn_key_no_longer_counts_after_that(ema):
    ema.token()
    old = ema.idp.key
    ema.idp.rotate("second")
    ema.token()

    with nothing_changes():
        assert_refused(ema.redeem(ema.assertion(key=old)), BAD)


def test_invented_key_ids_make_one_fetch_a_minute(ema, monkeypatch):
    ema.token()
    for number in range(5):
        forged = ema.assertion(key=signing_key(f"invented-{number}"))
        with nothing_changes():
            assert_refused(ema.redeem(forged), BAD)
    assert ema.idp.fetches() == 2

    later(monkeypatch, 61)
    ema.redeem(ema.assertion(key=signing_key("invented")))
    assert ema.idp.fetches() == 3


def test_a_forged_signature_under_a_known_key_id_makes_no_fetch(ema):
    ema.token()

    assert_refused(ema.redeem(ema.assertion(key=signing_key("first"))), BAD)

    assert ema.idp.fetches() == 1


def test_a_key_without_id_is_tried_and_its_successor_found(ema):
    ema.idp.key = signing_key(None)
    ema.idp.publish()
    assert ema.redeem().status_code == 200

    ema.idp.key = signing_key(None)
    ema.idp.publish()
    assert ema.redeem().status_code == 200
    assert ema.idp.fetches() == 2


@pytest.mark.parametrize("status", [500, 503, 429, 404, 302])
def test_a_provider_that_is_away_means_later_and_spends_nothing(ema, status, monkeypatch):
    assertion = ema.assertion()
    ema.idp.publish(status=status)
    answer = ema.redeem(assertion)
    assert_refused(answer, AWAY)
    assert answer.headers["Retry-After"] == "30"
    with nothing_changes():
        assert ema.redeem(assertion).status_code == 503
    assert ema.idp.fetches() == 1

    ema.idp.publish()
    _forget_failures()
    later(monkeypatch, 31)
    assert ema.redeem(assertion).status_code == 200


def test_known_keys_outlive_an_outage_for_a_while_and_no_longer(ema, override_config, monkeypatch):
    override_config(xaa={"jwks_cache_ttl": 100})
    ema.token()
    ema.idp.publish(status=503)

    later(monkeypatch, 100 + 3500)
    assert ema.redeem().status_code == 200
    later(monkeypatch, 100 + 3601)
    with nothing_changes():
        assert_refused(ema.redeem(), AWAY)


def test_keys_the_provider_itself_took_back_are_not_used_on(ema, override_config, monkeypatch):
    override_config(xaa={"jwks_cache_ttl": 100})
    ema.token()
    ema.idp.world.pages[ema.idp.path] = Page({"keys": []})

    later(monkeypatch, 101)
    with nothing_changes():
        assert_refused(ema.redeem(), AWAY)


@pytest.mark.shows("setting", "xaa.allowed_private_hosts")
def test_keys_inside_the_network_are_fetched_only_where_allowed(ema, override_config):
    host = ema.idp.issuer.removeprefix("https://")
    ema.idp.world.addresses[host] = ["10.0.0.7"]

    assert_refused(ema.redeem(), AWAY)
    assert ema.idp.world.connected == []

    override_config(xaa={"allowed_private_hosts": (host,)})
    _forget_failures()
    with pytest.raises(AssertionError, match=r"left for 10\.0\.0\.7"):
        keys.refetch(_source(ema), now=clock.now())


def test_a_large_key_set_is_read_and_a_huge_one_is_not(ema):
    many = [signing_key(f"k{number}") for number in range(60)]
    ema.idp.publish(ema.idp.key, *many)
    assert ema.redeem().status_code == 200

    huge = key_set(ema.idp.key) | {"padding": "x" * keys.MAX_BYTES}
    ema.idp.world.publish(ema.idp.path, huge)
    with pytest.raises(keys.KeysRejected):
        keys.refetch(_source(ema), now=clock.now())


def test_keys_for_other_purposes_do_not_verify(ema):
    for members in ({"use": "enc"}, {"key_ops": ["sign"]}, {"alg": "ES384"}):
        public = key_set(ema.idp.key)
        public["keys"][0] |= members
        ema.idp.world.publish(ema.idp.path, key_set(signing_key("other")) | {
            "keys": [*public["keys"], *key_set(signing_key("other"))["keys"]]
        })  # fmt: skip
        keys.drop(_source(ema))
        with nothing_changes():
            assert ema.redeem().status_code == 400


def test_threads_that_need_the_same_keys_wait_for_one_fetch(ema, monkeypatch):
    source, now = _source(ema), clock.now()
    asked, found = [], []

    def slowly(url, **_):
        asked.append(url)
        time.sleep(0.3)
        return fetching.Answer(key_set(ema.idp.key), "", 60)

    monkeypatch.setattr(fetching, "fetch_published", slowly)
    threads = [
        threading.Thread(target=lambda: found.append(len(keys.keys_for(source, now=now))))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert found == [1, 1, 1]
    assert asked == [source.jwks_uri]


def test_what_another_thread_has_found_meanwhile_is_used(ema):
    source, now = _source(ema), clock.now()
    old = keys.keys_for(source, now=now)
    ema.idp.rotate("second")
    found = keys.keys_after_search(source, known=old, now=now)
    assert found is not None

    assert keys.keys_after_search(source, known=old, now=now) == found
    assert keys.keys_after_search(source, known=found, now=now) is None
    assert ema.idp.fetches() == 2


def _source(ema):
    from oauth.xaa.trust import find_provider

    return find_provider(ema.idp.issuer).keys


def _forget_failures():
    from authplane.core.models import OneTimeValue
    from tests.support.shared_state import empty_shared_state

    OneTimeValue.objects.filter(namespace__startswith="lease:").delete()
    empty_shared_state()
