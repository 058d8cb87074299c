"""Signed request objects: what counts, what is refused, and where nothing else is read."""

from __future__ import annotations

import time
from urllib.parse import urlencode

import jwt
import pytest

from oauth.models import AuthorizationRequest, PushedRequest
from tests.support.digests import nothing_changes
from tests.support.factories import driver_for, make_client, make_user, person
from tests.support.oauth_client import Authorization, _query_of
from tests.support.published import key_set, signing_key
from tests.support.pushed import request_object
from tests.support.refusals import Refusal, assert_refused
from tests.support.scene import change_client

pytestmark = pytest.mark.django_db

KEY = signing_key("one")
STRANGER = signing_key("one")
INVALID = Refusal(400, "invalid_request_object", "the request object is not acceptable")
PAGE = "request cannot be verified"


@pytest.fixture
def signer(scene):
    """A public client whose keys are registered for signing its requests."""
    row = make_client(client_jwks=key_set(KEY), request_object_signing_alg="ES256")
    return driver_for(row, base=scene.client, resource=scene.resource.uri)


def path(client, text, **further):
    return (
        f"/oauth/authorize?{urlencode({'client_id': client.client_id, 'request': text} | further)}"
    )


def open_link(client, text, **further):
    return client.http.get(path(client, text, **further), headers={"Accept": "text/html"})


def push_object(client, text, **further):
    return client.post_as_client("/oauth/par", {"request": text, **further})


@pytest.mark.spec("RFC 9101", "5", "MUST", "the parameters of a signed request are those inside")
@pytest.mark.parametrize("typ", ["oauth-authz-req+jwt", "JWT", None])
def test_a_signed_request_leads_to_tokens(scene, signer, typ):
    text, sent, verifier = request_object(signer, KEY, header={"typ": typ})
    arrived = signer.follow(path(signer, text), scene.person, redirect_uri=signer.redirect_uri)

    authorization = Authorization(_query_of(arrived), verifier, signer.redirect_uri, sent)
    assert authorization.parameters["state"] == sent["state"]
    assert signer.redeem(authorization).status_code == 200


@pytest.mark.spec("RFC 9101", "6.3", "MUST", "parameters outside the object are not used")
def test_what_stands_outside_does_not_count(scene, signer):
    signer.sign_in(scene.person)
    text, sent, _ = request_object(signer, KEY, scope="read")
    open_link(
        signer, text,
        scope="read write", state="other", redirect_uri="https://elsewhere.example/",
        prompt="none", response_type="token",
    )  # fmt: skip

    waiting = AuthorizationRequest.objects.get()
    assert (waiting.scope, waiting.state) == ("read", sent["state"])


def test_what_is_missing_inside_is_not_taken_from_outside(scene, signer):
    text, sent, _ = request_object(signer, KEY, redirect_uri=None)

    with nothing_changes():
        answer = open_link(signer, text, redirect_uri=sent["redirect_uri"])
    assert answer.status_code == 400
    assert "wrong address" in answer.text


DEFECTS = {
    "iss": {"iss": "https://somebody.example"},
    "no iss": {"iss": None},
    "aud": {"aud": "https://somebody.example"},
    "no aud": {"aud": None},
    "several aud": {"aud": ["http://localhost:9000", "https://somebody.example"]},
    "client_id": {"client_id": "another"},
    "no client_id": {"client_id": None},
    "expired": {"exp": int(time.time()) - 3600},
    "no exp": {"exp": None},
    "exp too far": {"exp": int(time.time()) + 90_000},
    "not yet": {"nbf": int(time.time()) + 3600},
    "request inside": {"request": "eyJhbGciOiJub25lIn0.e30."},
    "request_uri inside": {"request_uri": "urn:ietf:params:oauth:request_uri:x"},
    "scope is a list": {"scope": ["read"]},
    "state is an object": {"state": {"a": 1}},
    "state is half a pair": {"state": "\ud800"},
    "prompt is true": {"prompt": True},
}


@pytest.mark.spec("RFC 9101", "6.2", "MUST", "an object with a defect is refused")
@pytest.mark.parametrize("defect", list(DEFECTS))
def test_an_object_with_a_defect_is_refused(signer, defect):
    text, _, _ = request_object(signer, KEY, **DEFECTS[defect])

    with nothing_changes():
        answer = open_link(signer, text)
        assert answer.status_code == 400
        assert "location" not in answer.headers
        assert PAGE in answer.text
        assert_refused(push_object(signer, text), INVALID)


@pytest.mark.spec("RFC 9101", "10.8", "MUST", "a client assertion is no request object")
def test_an_assertion_is_no_request(signer):
    text, _, _ = request_object(signer, KEY, sub=signer.client_id)

    with nothing_changes():
        assert open_link(signer, text).status_code == 400
        assert_refused(push_object(signer, text), INVALID)


@pytest.mark.parametrize("typ", ["at+jwt", "dpop+jwt", "client-authentication+jwt", "secevent+jwt"])
def test_tokens_of_another_type_are_refused(signer, typ):
    text, _, _ = request_object(signer, KEY, header={"typ": typ})

    with nothing_changes():
        assert open_link(signer, text).status_code == 400
        assert_refused(push_object(signer, text), INVALID)


@pytest.mark.spec("RFC 9101", "6.2", "MUST", "the object is signed by the client")
def test_a_stranger_cannot_sign(signer):
    text, _, _ = request_object(signer, STRANGER)

    with nothing_changes():
        assert open_link(signer, text).status_code == 400
        assert_refused(push_object(signer, text), INVALID)


@pytest.mark.spec("RFC 9101", "10.5", "MUST", "an unsigned object is refused")
@pytest.mark.parametrize("alg", ["none", "HS256"])
def test_a_signature_is_asymmetric(signer, alg):
    text, _, _ = request_object(signer, KEY)
    claims = jwt.decode(text, options={"verify_signature": False})
    forged = jwt.encode(claims, KEY["x"] if alg == "HS256" else None, algorithm=alg)

    for unsigned in (forged, f"{forged}x", "", "a.b.c", text[:-4], text + "A"):
        if not unsigned:
            continue
        with nothing_changes():
            assert open_link(signer, unsigned).status_code == 400
            assert_refused(push_object(signer, unsigned), INVALID)


@pytest.mark.spec("RFC 9101", "6.1", "MUST", "the registered algorithm is the only one")
def test_only_the_registered_algorithm(signer):
    rsa = signing_key("rsa", kind="RS256")
    change_client(signer, client_jwks={"keys": [*key_set(KEY)["keys"], *key_set(rsa)["keys"]]})
    text, _, _ = request_object(signer, rsa)

    with nothing_changes():
        assert_refused(push_object(signer, text), INVALID)
    change_client(signer, request_object_signing_alg="")
    assert push_object(signer, text).status_code == 201


def test_a_client_without_keys_cannot_sign(scene):
    text, _, _ = request_object(scene.client, KEY)

    with nothing_changes():
        assert open_link(scene.client, text).status_code == 400


def test_an_object_that_was_good_before_sign_in_is_good_after_it(scene, signer, frozen_clock):
    text, _, _ = request_object(signer, KEY)
    answer = open_link(signer, text)
    page = signer.http.get(answer.headers["location"])
    assert "http://127.0.0.1:8765" in page.headers["content-security-policy"]
    frozen_clock.shift(300)

    answer = signer.submit_sign_in(page, scene.person)
    answer = signer.http.get(answer.headers["location"])
    assert answer.headers["location"].startswith("/consent?")
    assert open_link(signer, text).status_code == 400


def test_numbers_and_lists_are_read(scene, signer):
    text, _, _ = request_object(
        signer, KEY, max_age=3600, resource=[scene.resource.uri], claims={"userinfo": {}},
        authorization_details=[],
    )  # fmt: skip

    assert push_object(signer, text).status_code == 201
    stored = PushedRequest.objects.get().parameters
    assert stored["max_age"] == ["3600"]
    assert stored["resource"] == [scene.resource.uri]
    assert not {"iss", "aud", "exp", "jti", "claims", "request"} & set(stored)


@pytest.mark.spec("RFC 9126", "3", "MUST", "a pushed object alone is the request")
def test_a_pushed_object_is_used_once(scene, signer):
    text, sent, verifier = request_object(signer, KEY)
    answer = push_object(signer, text, scope="write", state="other")
    assert answer.status_code == 201
    with nothing_changes():
        assert_refused(push_object(signer, text), INVALID)

    link = {"client_id": signer.client_id, "request_uri": answer.json()["request_uri"]}
    arrived = signer.follow(
        f"/oauth/authorize?{urlencode(link)}", scene.person, redirect_uri=signer.redirect_uri
    )
    authorization = Authorization(_query_of(arrived), verifier, signer.redirect_uri, sent)
    assert authorization.parameters["state"] == sent["state"]
    assert signer.redeem(authorization).json()["scope"] == "read"


@pytest.mark.spec("RFC 9101", "10.5", "MUST", "a client that demands signatures is refused without")
def test_a_client_may_demand_it_of_itself(scene, signer):
    change_client(signer, require_signed_request_object=True)
    refusal = Refusal(400, "invalid_request", "sign the authorization request")

    with nothing_changes():
        assert "error=invalid_request" in signer.start().headers["location"]
        _, sent, _ = signer.authorization_request()
        assert_refused(signer.post_as_client("/oauth/par", sent), refusal)
    text, _, _ = request_object(signer, KEY)
    assert open_link(signer, text).status_code == 303
    assert push_object(signer, text).status_code == 201


@pytest.mark.shows("setting", "oauth.require_signed_request_object")
def test_the_server_may_demand_it_of_all(scene, signer, override_config):
    override_config(oauth={"require_signed_requests": True})

    assert signer.metadata()["require_signed_request_object"] is True
    assert "error=invalid_request" in scene.client.start().headers["location"]
    assert open_link(signer, request_object(signer, KEY)[0]).status_code == 303


def test_switching_accounts_works_for_who_must_sign(scene, signer):
    change_client(signer, require_signed_request_object=True)
    signer.sign_in(person(make_user()))
    page = signer.http.get(open_link(signer, request_object(signer, KEY)[0]).headers["location"])
    [switch] = [part for part in page.text.split('href="') if part.startswith("/login?redirect=")]
    signing_in = signer.http.get(switch.split('"')[0].replace("&amp;", "&"))

    answer = signer.submit_sign_in(signing_in, scene.person)
    answer = signer.http.get(answer.headers["location"])
    assert answer.headers["location"].startswith("/consent?")


@pytest.mark.spec("RFC 9101", "10.5", "SHOULD", "what is supported is published")
def test_what_is_supported_is_published(scene):
    document = scene.client.metadata()

    assert document["request_parameter_supported"] is True
    assert document["request_uri_parameter_supported"] is False
    assert "ES256" in document["request_object_signing_alg_values_supported"]
    assert "none" not in document["request_object_signing_alg_values_supported"]
    assert "require_signed_request_object" not in document


def test_registration(scene):
    client = scene.client.sibling()
    answer = client.register(
        require_signed_request_object=True, request_object_signing_alg="ES256", jwks=key_set(KEY)
    )
    assert answer.status_code == 201
    assert answer.json()["require_signed_request_object"] is True
    assert answer.json()["request_object_signing_alg"] == "ES256"
    assert answer.json()["jwks"]["keys"]
    client.resource = scene.resource.uri
    assert open_link(client, request_object(client, KEY)[0]).status_code == 303


@pytest.mark.parametrize(
    "metadata",
    [
        {"require_signed_request_object": True},
        {"request_object_signing_alg": "none"},
        {"request_object_signing_alg": "HS256"},
        {"request_object_signing_alg": 7},
        {"request_object_signing_alg": "ES256", "jwks": {"keys": []}},
    ],
)
def test_registration_that_cannot_work_is_refused(scene, metadata):
    with nothing_changes():
        answer = scene.client.sibling().register(**metadata)

    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata")
