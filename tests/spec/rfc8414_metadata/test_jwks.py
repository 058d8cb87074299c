from __future__ import annotations

import pytest

pytestmark = pytest.mark.django_db

JWKS = "/.well-known/jwks.json"


@pytest.mark.spec("RFC 7517", "5", "MUST", "the key set has a keys member")
def test_the_key_document_lists_the_signing_key(oauth):
    from oauth.keys import store

    answer = oauth.http.get(JWKS)

    assert 200 == answer.status_code
    (key,) = answer.json()["keys"]
    assert {"kty", "crv", "x", "y", "kid", "alg", "use"} == set(key)
    assert ("EC", "P-256", "ES256", "sig") == tuple(
        key[name] for name in ("kty", "crv", "alg", "use")
    )
    assert store.signing_key().kid == key["kid"]


def test_verifiers_may_keep_it_for_as_long_as_a_new_key_waits(oauth, override_config):
    override_config(signing={"jwks_max_age": 300})

    answer = oauth.http.get(JWKS)

    assert "public, max-age=300" == answer.headers["cache-control"]
    assert "application/json" == answer.headers["content-type"]
    assert "*" == answer.headers["access-control-allow-origin"]


def test_a_rotation_changes_the_document_and_its_tag(oauth):
    from oauth.keys import rotation

    before = oauth.http.get(JWKS)
    new = rotation.rotate()

    after = oauth.http.get(JWKS, headers={"If-None-Match": before.headers["etag"]})

    assert 200 == after.status_code
    kids = [key["kid"] for key in after.json()["keys"]]
    assert [before.json()["keys"][0]["kid"], new.kid] == kids


def test_the_new_key_comes_first_from_the_moment_it_signs(frozen_clock, oauth):
    from oauth.keys import rotation

    oauth.http.get(JWKS)
    new = rotation.rotate()
    oauth.http.get(JWKS)

    frozen_clock.shift(301)

    assert new.kid == oauth.http.get(JWKS).json()["keys"][0]["kid"]


def test_a_withdrawn_key_is_gone_at_once(oauth):
    from oauth.keys import rotation

    oauth.http.get(JWKS)
    new = rotation.rotate(immediate=True, withdraw=True)

    assert [new.kid] == [key["kid"] for key in oauth.http.get(JWKS).json()["keys"]]


def test_the_document_costs_no_statement_once_it_is_known(oauth, query_budget):
    oauth.http.get(JWKS)
    oauth.http.get(JWKS)

    with query_budget(0):
        assert 200 == oauth.http.get(JWKS).status_code


def test_without_any_usable_key_the_answer_says_try_again(oauth, override_config, tmp_path):
    (tmp_path / "occupied").write_text("no directory")
    override_config(signing={"key_store": "keyfile", "key_path": str(tmp_path / "occupied")})

    answer = oauth.http.get(JWKS)

    assert (503, "temporarily_unavailable") == (answer.status_code, answer.json()["error"])
    assert "1" == answer.headers["retry-after"]
    assert "occupied" not in answer.text
