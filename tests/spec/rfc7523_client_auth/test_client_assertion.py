"""`private_key_jwt` at the token endpoint: what proves a client, and what does not."""

from __future__ import annotations

import time
from datetime import timedelta

import jwt
import pytest

from authplane.core import clock
from oauth.clients.metadata_document import refetch_stale
from oauth.models import AccessToken, Client, FetchedDocument
from tests.support.factories import make_client, make_resource
from tests.support.oauth_client import JWT_BEARER
from tests.support.published import PUBLIC, key_set, signing_key

pytestmark = pytest.mark.django_db

KEY = signing_key()
RSA = signing_key("rsa", kind="RS256")
JWKS_URI = "https://client.example/jwks"
ENDPOINT = "http://localhost:9000/oauth/token"


def keyed_client(oauth, key=KEY, **fields):
    resource = make_resource()
    if "client_jwks_uri" not in fields:
        fields.setdefault("client_jwks", key_set(key))
    row = make_client(
        token_endpoint_auth_method="private_key_jwt",
        grant_types=["client_credentials"],
        scope="read write",
        **fields,
    )
    oauth.client_id, oauth.private_jwk = row.client_id, key
    oauth.auth_method, oauth.resource, oauth.scope = "private_key_jwt", resource.uri, "read"
    return row


def ask(oauth, assertion, **form):
    return oauth.sibling(client_id="", auth_method="").http.post(
        form.pop("path", "/oauth/token"),
        data={
            "grant_type": "client_credentials",
            "scope": "read",
            "resource": oauth.resource,
            "client_assertion_type": JWT_BEARER,
            "client_assertion": assertion,
        }
        | form,
        headers={"Accept": "application/json"},
    )


def assert_refused(answer, error="invalid_client", status=401):
    assert (status, error) == (answer.status_code, answer.json()["error"])
    assert AccessToken.objects.count() == 0


@pytest.mark.parametrize("kind", ["ES256", "ES384", "EdDSA", "RS256", "PS256"])
def test_every_advertised_algorithm_works(oauth, kind):
    keyed_client(oauth, signing_key(kind=kind))

    assert oauth.client_credentials().status_code == 200


def test_the_algorithms_are_those_we_advertise(oauth):
    from oauth.clients.policy import ASSERTION_ALGORITHMS

    advertised = oauth.metadata()["token_endpoint_auth_signing_alg_values_supported"]

    assert set(advertised) == set(ASSERTION_ALGORITHMS)


@pytest.mark.spec("RFC 7523", "3", "MUST", "iss and sub of a client assertion are the client id")
@pytest.mark.parametrize("claims", [{"iss": "another"}, {"iss": None}, {"sub": None}, {"iss": ""}])
def test_an_assertion_of_somebody_else_is_refused(oauth, claims):
    keyed_client(oauth)

    assert_refused(ask(oauth, oauth.client_assertion(**claims)))


def test_an_assertion_about_another_client_is_refused(oauth):
    other = make_client(
        token_endpoint_auth_method="private_key_jwt", client_jwks=key_set(signing_key("other"))
    )
    keyed_client(oauth)

    assert_refused(ask(oauth, oauth.client_assertion(sub=other.client_id)))
    assert_refused(ask(oauth, oauth.client_assertion(sub=other.client_id, iss=other.client_id)))


@pytest.mark.spec("RFC 7523", "3", "MUST", "a client assertion is for this server")
@pytest.mark.parametrize(
    "audience",
    [
        None, "https://other.example", "http://localhost:9000/", "http://localhost:9000/token",
        ["http://localhost:9000"], ["http://localhost:9000", "https://other.example"], [], 7, "",
        "http://LOCALHOST:9000", "http://localhost:9000/oauth/introspect",
    ],
)  # fmt: skip
def test_an_assertion_for_somebody_else_is_refused(oauth, audience):
    keyed_client(oauth)

    assert_refused(ask(oauth, oauth.client_assertion(aud=audience)))


@pytest.mark.shows("setting", "oauth.strict_assertion_audience")
def test_the_endpoint_is_an_audience_unless_strict(oauth, override_config):
    keyed_client(oauth)

    assert ask(oauth, oauth.client_assertion(aud=ENDPOINT)).status_code == 200
    AccessToken.objects.all().delete()
    override_config(oauth={"strict_assertion_audience": True})
    assert_refused(ask(oauth, oauth.client_assertion(aud=ENDPOINT)))
    assert ask(oauth, oauth.client_assertion()).status_code == 200


@pytest.mark.spec("RFC 7523", "3", "MUST", "an expired client assertion is refused")
@pytest.mark.parametrize(
    "claims",
    [
        {"exp": -31}, {"exp": 3700}, {"exp": 10**10}, {"nbf": 40}, {"iat": 40},
    ],
)  # fmt: skip
def test_an_assertion_out_of_time_is_refused(oauth, claims):
    keyed_client(oauth)
    now = int(time.time())

    moved = {name: now + offset for name, offset in claims.items()}
    assert_refused(ask(oauth, oauth.client_assertion(**moved)))


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": None}, {"exp": "soon"}, {"exp": True}, {"exp": 10**400}, {"nbf": "x"},
        {"jti": None}, {"jti": ""}, {"jti": 7}, {"jti": "x" * 256}, {"jti": "\x00"},
        {"jti": "\ud800"}, {"sub": "\ud800"}, {"sub": "\x00"},
    ],
)  # fmt: skip
def test_claims_of_the_wrong_kind_are_refused(oauth, claims):
    keyed_client(oauth)

    assert_refused(ask(oauth, oauth.client_assertion(**claims)))


@pytest.mark.parametrize("claims", [{"exp": -20}, {"nbf": 20}, {"iat": 20}, {"exp": 3500}])
def test_clocks_may_differ_a_little(oauth, claims):
    keyed_client(oauth)
    now = int(time.time())

    moved = {name: now + offset for name, offset in claims.items()}
    assert ask(oauth, oauth.client_assertion(**moved)).status_code == 200


@pytest.mark.spec("RFC 7523", "3", "MUST", "a client assertion is signed by the client's own key")
@pytest.mark.parametrize("kid", ["one", "other", None])
def test_an_assertion_signed_by_another_key_is_refused(oauth, kid):
    keyed_client(oauth)
    oauth.private_jwk = signing_key(kid)

    assert_refused(ask(oauth, oauth.client_assertion()))


@pytest.mark.spec("RFC 8725", "3.1", "MUST", "a token without signature is not accepted")
def test_an_assertion_without_signature_is_refused(oauth):
    keyed_client(oauth)
    claims = jwt.decode(oauth.client_assertion(), options={"verify_signature": False})

    assert_refused(ask(oauth, jwt.encode(claims, None, algorithm="none")))


def test_an_assertion_signed_with_the_public_key_as_a_secret_is_refused(oauth):
    import json

    from authplane.core.hashing import b64url

    keyed_client(oauth, RSA)
    public = key_set(RSA)["keys"][0]
    claims = jwt.decode(oauth.client_assertion(), options={"verify_signature": False})
    for secret in (json.dumps(public).encode(), public["n"].encode()):
        head = b64url(json.dumps({"alg": "HS256", "kid": "rsa"}).encode())
        body = b64url(json.dumps(claims).encode())
        import hashlib
        import hmac

        mac = hmac.new(secret, f"{head}.{body}".encode(), hashlib.sha256).digest()
        assert_refused(ask(oauth, f"{head}.{body}.{b64url(mac)}"))


def test_only_the_registered_algorithm_is_accepted(oauth):
    both = {"keys": key_set(KEY)["keys"] + key_set(RSA)["keys"]}
    keyed_client(oauth, KEY, client_jwks=both, token_endpoint_auth_signing_alg="RS256")

    assert_refused(ask(oauth, oauth.client_assertion()))
    oauth.private_jwk = RSA
    assert ask(oauth, oauth.client_assertion()).status_code == 200


@pytest.mark.parametrize("typ", ["at+jwt", "dpop+jwt", "secevent+jwt"])
def test_a_token_of_another_type_is_no_assertion(oauth, typ):
    keyed_client(oauth)
    claims = jwt.decode(oauth.client_assertion(), options={"verify_signature": False})
    key = jwt.PyJWK.from_dict(KEY).key

    signed = jwt.encode(claims, key, algorithm="ES256", headers={"kid": "one", "typ": typ})

    assert_refused(ask(oauth, signed))


@pytest.mark.parametrize("assertion", ["", "x", "a.b.c", "a.b", "..", "x" * 20_000, "é.é.é"])
def test_garbage_is_refused(oauth, assertion):
    keyed_client(oauth)

    assert_refused(ask(oauth, assertion))


@pytest.mark.spec("RFC 7523", "3", "MAY", "a client assertion is used at most once")
def test_an_assertion_works_once(oauth):
    keyed_client(oauth)
    assertion = oauth.client_assertion()

    assert ask(oauth, assertion).status_code == 200
    again = ask(oauth, assertion)

    assert (401, "invalid_client") == (again.status_code, again.json()["error"])
    assert AccessToken.objects.count() == 1


def test_the_same_id_of_two_clients_is_two_ids(oauth):
    keyed_client(oauth)
    assert ask(oauth, oauth.client_assertion(jti="same")).status_code == 200

    keyed_client(oauth)
    assert ask(oauth, oauth.client_assertion(jti="same")).status_code == 200


def test_a_refused_assertion_is_not_spent(oauth):
    keyed_client(oauth)
    jti = "only-once"

    assert_refused(ask(oauth, oauth.client_assertion(jti=jti, aud="https://other.example")))
    assert_refused(ask(oauth, oauth.client_assertion(jti=jti, exp=int(time.time()) - 100)))
    good = oauth.client_assertion(jti=jti)
    oauth.private_jwk = signing_key()
    assert_refused(ask(oauth, oauth.client_assertion(jti=jti)))

    assert ask(oauth, good).status_code == 200


@pytest.mark.redis
def test_a_spent_assertion_stays_spent_when_redis_forgets(oauth):
    from tests.support.shared_state import empty_shared_state

    keyed_client(oauth)
    assertion = oauth.client_assertion()
    assert ask(oauth, assertion).status_code == 200
    empty_shared_state()

    assert ask(oauth, assertion).status_code == 401


@pytest.mark.spec("RFC 6749", "2.3", "MUST", "a request uses one client authentication method")
def test_an_assertion_beside_a_secret_is_refused(oauth):
    keyed_client(oauth)

    answer = ask(oauth, oauth.client_assertion(), client_secret="s")

    assert_refused(answer, "invalid_request", 400)


@pytest.mark.parametrize("method", ["none", "client_secret_basic"])
def test_a_client_registered_otherwise_cannot_use_an_assertion(oauth, method):
    row = keyed_client(oauth)
    Client.objects.filter(pk=row.pk).update(token_endpoint_auth_method=method)

    assert_refused(ask(oauth, oauth.client_assertion()))


def test_a_suspended_client_spends_nothing(oauth):
    from tests.support.shared_state import empty_shared_state

    row = keyed_client(oauth)
    Client.objects.filter(pk=row.pk).update(status="suspended")
    assertion = oauth.client_assertion()
    assert_refused(ask(oauth, assertion))

    Client.objects.filter(pk=row.pk).update(status="active")
    empty_shared_state()
    assert ask(oauth, assertion).status_code == 200


# --- Published keys ---------------------------------------------------------------------------


def test_published_keys_are_fetched_once_and_then_known(oauth, world):
    world.publish("/jwks", key_set(KEY))
    keyed_client(oauth, client_jwks_uri=JWKS_URI)

    assert {oauth.client_credentials().status_code for _ in range(4)} == {200}
    assert world.paths() == ["/jwks"]


def test_a_new_key_is_found_by_its_id(oauth, world):
    world.publish("/jwks", key_set(KEY))
    keyed_client(oauth, client_jwks_uri=JWKS_URI)
    assert oauth.client_credentials().status_code == 200

    new = signing_key("two")
    world.publish("/jwks", key_set(KEY, new))
    oauth.private_jwk = new
    assert oauth.client_credentials().status_code == 200
    assert world.paths() == ["/jwks", "/jwks"]


def test_invented_key_ids_make_us_fetch_once_a_minute(oauth, world):
    world.publish("/jwks", key_set(KEY))
    keyed_client(oauth, client_jwks_uri=JWKS_URI)
    assert oauth.client_credentials().status_code == 200
    AccessToken.objects.all().delete()

    for n in range(5):
        oauth.private_jwk = signing_key(f"invented-{n}")
        assert_refused(oauth.client_credentials())

    assert world.paths() == ["/jwks", "/jwks"]


def test_garbage_makes_us_fetch_nothing(oauth, world):
    row = keyed_client(oauth, client_jwks_uri=JWKS_URI)
    claims = {"iss": row.client_id, "sub": row.client_id}

    assert_refused(ask(oauth, jwt.encode(claims, "x" * 32, algorithm="HS256")))
    assert_refused(ask(oauth, jwt.encode(claims, None, algorithm="none")))

    assert world.looked_up == []


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["10.0.0.1"], [PUBLIC, "169.254.169.254"]])
def test_keys_inside_the_network_are_not_asked_for(oauth, world, addresses):
    world.addresses["client.example"] = addresses
    keyed_client(oauth, client_jwks_uri=JWKS_URI)

    assert_refused(oauth.client_credentials(), "temporarily_unavailable", 503)
    assert world.connected == []


@pytest.mark.parametrize(
    "page",
    [
        {"status": 500}, {"status": 404}, {"status": 302, "headers": {"Location": "/other"}},
        {"document": {"keys": []}}, {"document": {"keys": [KEY]}}, {"document": []},
        {"headers": {"Content-Type": "text/html"}},
        {"document": {"keys": [{"kty": "oct", "k": "AAAA"}]}}, {"document": b"x" * 20_000},
    ],
)  # fmt: skip
def test_keys_that_cannot_be_had_are_an_outage_and_not_asked_for_again(oauth, world, page):
    world.publish("/jwks", page.pop("document", key_set(KEY)), **page)
    keyed_client(oauth, client_jwks_uri=JWKS_URI)

    for _ in range(3):
        answer = oauth.client_credentials()
        assert_refused(answer, "temporarily_unavailable", 503)
        assert int(answer.headers["Retry-After"]) > 0

    assert world.paths() == ["/jwks"]


def test_known_keys_survive_an_outage_for_a_day(oauth, world, frozen_clock):
    page = world.publish("/jwks", key_set(KEY), headers={"Cache-Control": "max-age=600"})
    keyed_client(oauth, client_jwks_uri=JWKS_URI)
    assert oauth.client_credentials().status_code == 200
    page.status = 503

    frozen_clock.shift(86_000)
    assert oauth.client_credentials().status_code == 200
    assert world.paths() == ["/jwks"]
    frozen_clock.shift(1_100)
    assert oauth.client_credentials().status_code == 503


def test_a_withdrawn_key_stops_working_when_the_keys_are_renewed(oauth, world, frozen_clock):
    world.publish("/jwks", key_set(KEY), headers={"Cache-Control": "max-age=600"})
    keyed_client(oauth, client_jwks_uri=JWKS_URI)
    assert oauth.client_credentials().status_code == 200
    AccessToken.objects.all().delete()
    world.publish("/jwks", key_set(signing_key("two")))

    frozen_clock.shift(timedelta(seconds=601))
    assert refetch_stale(clock.now()) == 1
    from tests.support.shared_state import empty_shared_state

    empty_shared_state()

    assert_refused(oauth.client_credentials())
    assert FetchedDocument.objects.get().content["keys"][0]["kid"] == "two"
