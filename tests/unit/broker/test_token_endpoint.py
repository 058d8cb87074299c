"""Token requests, and what is certain about how they ended."""

from __future__ import annotations

import base64

import jwt
import pytest

from broker.providers.private_keys import public_jwk
from broker.upstream.base import (
    NotSent,
    UpstreamDown,
    UpstreamRefused,
    UpstreamUnclear,
)
from broker.upstream.reach import reach_of
from broker.upstream.token_endpoint import Endpoint, ask
from tests.support.published import private_key
from tests.support.upstream import ALLOWED, LEAK, SECRET, running_upstream

REFRESH = {"grant_type": "refresh_token", "refresh_token": "rt-0"}


@pytest.fixture
def upstream(override_config):
    override_config(broker=ALLOWED)
    with running_upstream() as world:
        yield world


def asked(world, form=REFRESH, *, timeout=5.0, **members):
    members.setdefault("token_endpoint_auth_method", "client_secret_post")
    endpoint = Endpoint(client_id="our client", token_url=f"{world.url}/token", **members)
    return ask(endpoint, SECRET, form, reach_of(endpoint.token_url), timeout=timeout)


def test_the_secret_goes_into_the_body_or_the_header_or_nowhere(upstream):
    upstream.rotates = False
    for method in ("client_secret_post", "client_secret_basic", "none"):
        asked(upstream, token_endpoint_auth_method=method)

    post, basic, none = upstream.asked
    assert ("our client", SECRET) == (post["form"]["client_id"], post["form"]["client_secret"])
    pair = base64.b64decode(basic["headers"]["authorization"].removeprefix("Basic ")).decode()
    assert pair == f"our+client:{SECRET}"
    assert not {"client_id", "client_secret"} & set(basic["form"])
    assert none["form"] == REFRESH | {"client_id": "our client"}
    assert "authorization" not in none["headers"]


@pytest.mark.spec("RFC 7523", "3", "MAY", "an assertion of ours is new each time, for one endpoint")
@pytest.mark.parametrize("kind", ["RS256", "ES256"])
def test_a_key_signs_and_stays_here(upstream, kind):
    upstream.rotates, pem = False, private_key(kind)
    endpoint = Endpoint(
        client_id="our client",
        token_url=f"{upstream.url}/token",
        token_endpoint_auth_method="private_key_jwt",
    )
    for _ in range(2):
        ask(endpoint, pem, REFRESH, reach_of(endpoint.token_url))

    one, two = (request["form"] for request in upstream.asked)
    assert one["client_assertion"] != two["client_assertion"]
    assert one["client_assertion_type"].endswith(":jwt-bearer")
    assert "client_secret" not in one
    assert jwt.get_unverified_header(one["client_assertion"])["kid"] == public_jwk(pem)["kid"]
    claims = jwt.decode(
        one["client_assertion"], jwt.PyJWK(public_jwk(pem)), algorithms=[kind],
        audience=endpoint.token_url, issuer="our client", subject="our client",
    )  # fmt: skip
    assert claims["exp"] - claims["iat"] == 60


def test_a_service_can_be_asked_in_json(upstream):
    asked(upstream, token_request_format="json")

    assert upstream.asked[0]["headers"]["content-type"] == "application/json"


@pytest.mark.parametrize("shape", ["form", "slack"])
def test_other_shapes_of_answers(upstream, shape):
    upstream.shape = shape

    answer = asked(upstream, response_format=shape)

    assert answer.access_token in upstream.given
    assert answer.expires_in == 3600


@pytest.mark.parametrize(
    ("status", "error", "outcome"),
    [
        (400, "invalid_grant", UpstreamRefused),
        (401, "invalid_client", UpstreamRefused),
        (404, "nowhere", UpstreamRefused),
        (302, None, UpstreamRefused),
        (200, "bad_refresh_token", UpstreamRefused),
        (429, "slow_down", NotSent),
        (200, None, UpstreamUnclear),
        (500, "server_error", UpstreamUnclear),
        (503, "invalid_grant", UpstreamUnclear),
        (408, None, UpstreamUnclear),
    ],
)
def test_how_an_answer_counts(upstream, status, error, outcome):
    upstream.failures, upstream.error = [status], error

    with pytest.raises(outcome) as raised:
        asked(upstream)

    assert raised.type is outcome
    assert LEAK not in repr(raised.value)
    assert upstream.count("refresh_token") == 1


def test_only_the_grant_itself_refused_is_final():
    assert UpstreamRefused("invalid_grant").is_final
    assert not UpstreamRefused("invalid_client").is_final


def test_a_dropped_connection_and_a_late_answer_are_unclear(upstream):
    upstream.drops = True
    with pytest.raises(UpstreamUnclear):
        asked(upstream)
    upstream.drops, upstream.seconds = False, 1.0
    with pytest.raises(UpstreamUnclear):
        asked(upstream, timeout=0.2)


def test_what_cannot_be_connected_to_was_not_sent(upstream):
    endpoint = Endpoint(client_id="c", token_url="http://127.0.0.1:1/token")

    with pytest.raises(NotSent):
        ask(endpoint, "", REFRESH, reach_of(endpoint.token_url))


@pytest.mark.shows("setting", "broker.allowed_private_hosts")
def test_private_hosts_have_to_be_allowed_by_name(upstream, override_config):
    override_config(broker={"allowed_private_hosts": ()})

    with pytest.raises(NotSent):
        asked(upstream)
    assert upstream.asked == []

    override_config(broker=ALLOWED)
    assert asked(upstream).access_token in upstream.given


@pytest.mark.parametrize(
    "url",
    [
        "http://up.example/token", "https://[::1]/token", "https://169.254.169.254/token",
        "https://100.64.0.1/token", "https://2130706433/token", "https://[::ffff:a9fe:a9fe]/token",
        "https://user:secret@up.example/token", "file:///etc/passwd",
    ],
)  # fmt: skip
def test_nothing_leaves_for_our_own_network(url):
    endpoint = Endpoint(client_id="c", token_url=url)

    with pytest.raises(UpstreamDown) as raised:
        ask(endpoint, SECRET, REFRESH, reach_of(url))

    assert raised.type is NotSent
