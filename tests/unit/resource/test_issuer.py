"""Keys and introspection: how often the authorization server is asked, and what if it is gone."""

import pytest

from authplane.resource import Introspection, Refused, Unavailable
from authplane.resource.issuer import discovery_urls, lifetime
from authplane.resource.work import Fetched
from tests.unit.resource.conftest import INTROSPECT, ISSUER, JWKS, RESOURCE, Key

SETTINGS = Introspection(client_id="rs:1", client_secret="s p+ce")


def fetches(world, url=JWKS):
    return sum(asked.url == url for asked in world.asked)


def refused(server, incoming):
    with pytest.raises(Refused) as caught:
        server.verify(incoming)
    return caught.value


def test_keys_are_fetched_once_while_they_are_fresh(world):
    world.publish_keys(world.key, **{"cache-control": "public, max-age=120"})
    server = world.server()
    for _ in range(5):
        server.verify(world.bearer(world.token()))
    assert (fetches(world), len(world.asked)) == (1, 2)

    world.now += 119
    server.verify(world.bearer(world.token()))
    assert fetches(world) == 1
    world.now += 2
    server.verify(world.bearer(world.token()))
    assert fetches(world) == 2


def test_an_unknown_key_is_looked_up_once_and_then_not_for_a_while(world):
    server = world.server()
    server.verify(world.bearer(world.token()))
    new = Key(kid="k2")
    world.publish_keys(world.key, new)

    server.verify(world.bearer(new.sign(world.claims())))
    assert fetches(world) == 2
    for number in range(20):
        refused(server, world.bearer(world.key.sign(world.claims(), kid=f"x{number}")))
    assert fetches(world) == 2
    world.now += 31
    refused(server, world.bearer(world.key.sign(world.claims(), kid="y")))
    assert fetches(world) == 3


def test_an_outage_is_survived_with_the_keys_at_hand_for_an_hour(world):
    server = world.server()
    server.verify(world.bearer(world.token()))
    world.answers.clear()

    world.now += 1000
    server.verify(world.bearer(world.token()))
    world.now += 3600
    with pytest.raises(Unavailable):
        server.verify(world.bearer(world.token()))


def test_a_server_that_is_down_is_not_asked_by_every_request(world):
    world.answers.clear()
    server = world.server()
    for _ in range(10):
        with pytest.raises(Unavailable):
            server.verify(world.bearer(world.token()))
    assert len(world.asked) == 2

    world.now += 3
    with pytest.raises(Unavailable):
        server.verify(world.bearer(world.token()))
    assert len(world.asked) == 4


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": f"{ISSUER}/", "jwks_uri": JWKS},
        {"issuer": "https://evil.example.com", "jwks_uri": JWKS},
        {"jwks_uri": JWKS},
        {"issuer": ISSUER},
        {"issuer": ISSUER, "jwks_uri": "http://as.example.com/jwks"},
        {"issuer": ISSUER, "jwks_uri": "/jwks"},
    ],
)
@pytest.mark.spec("RFC 8414", "3.3", "MUST", "metadata of another issuer is not used")
def test_metadata_that_cannot_be_used(world, metadata):
    world.publish(metadata)

    with pytest.raises(Unavailable):
        world.server().verify(world.bearer(world.token()))


def test_where_metadata_may_lie():
    assert discovery_urls("https://h") == (
        "https://h/.well-known/oauth-authorization-server",
        "https://h/.well-known/openid-configuration",
    )
    assert discovery_urls("https://h/t/1") == (
        "https://h/.well-known/oauth-authorization-server/t/1",
        "https://h/.well-known/openid-configuration/t/1",
        "https://h/t/1/.well-known/openid-configuration",
    )


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 300),
        ({"cache-control": "max-age=60"}, 60),
        ({"cache-control": "public, max-age=60, s-maxage=5"}, 60),
        ({"cache-control": "max-age=60", "age": "20"}, 40),
        ({"cache-control": "max-age=999999"}, 3600),
        ({"cache-control": "max-age=0"}, 10),
        ({"cache-control": "no-store, max-age=60"}, 10),
        ({"cache-control": "no-cache"}, 10),
        ({"cache-control": "s-maxage=5"}, 300),
        ({"age": "x"}, 300),
    ],
)
def test_how_long_an_answer_is_kept(headers, seconds):
    assert lifetime(headers) == seconds


def introspected(world, **members):
    import json

    answer = {"active": True, "client_id": "c", "sub": "u", "scope": "read", "aud": RESOURCE}
    answer |= {"exp": int(world.now) + 100} | members
    answer = {name: value for name, value in answer.items() if value is not None}
    world.answers[INTROSPECT] = Fetched(200, {}, json.dumps(answer).encode())


def test_an_opaque_token_is_asked_about_and_the_answer_kept_briefly(world):
    introspected(world)
    server = world.server(introspection=SETTINGS)
    for _ in range(3):
        assert server.verify(world.bearer("opaque")).subject == "u"
    assert fetches(world, INTROSPECT) == 1

    (asked,) = (asked for asked in world.asked if asked.url == INTROSPECT)
    assert asked.basic == ("rs%3A1", "s%20p%2Bce")
    assert asked.form["token"] == "opaque"
    assert "opaque" not in repr(asked)
    assert "s%20p%2Bce" not in repr(asked)
    introspected(world, active=False)
    world.now += 16
    assert refused(server, world.bearer("opaque")).error == "invalid_token"


def test_an_answer_is_not_believed_beyond_the_end_of_the_token(world):
    introspected(world, exp=int(world.now) + 1)
    server = world.server(introspection=SETTINGS, skew=0)
    server.verify(world.bearer("opaque"))

    world.now += 2
    assert refused(server, world.bearer("opaque")).reason == "expired"


@pytest.mark.parametrize(
    "members",
    [
        {"active": False},
        {"aud": None},
        {"aud": "https://other.example.com"},
        {"iss": "https://other.example.com"},
        {"exp": None},
        {"cnf": {"jkt": "k"}},
    ],
)
def test_an_answer_that_does_not_fit(world, members):
    introspected(world, **members)

    server = world.server(introspection=SETTINGS)
    assert refused(server, world.bearer("opaque")).error == "invalid_token"


@pytest.mark.parametrize(
    "answer",
    [
        Fetched(0), Fetched(401), Fetched(500), Fetched(200, {}, b"x"), Fetched(200, {}, b"[]"),
        Fetched(200, {}, b"{}"), Fetched(200, {}, b'{"active": "true"}'),
    ],
)  # fmt: skip
def test_an_answer_that_fails_lets_nobody_in(world, answer):
    world.answers[INTROSPECT] = answer

    with pytest.raises(Unavailable):
        world.server(introspection=SETTINGS).verify(world.bearer("opaque"))


def test_signed_tokens_are_read_here_unless_all_are_to_be_asked_about(world):
    introspected(world, active=False)
    world.server(introspection=SETTINGS).verify(world.bearer(world.token()))

    everything = Introspection("rs", "secret", for_all=True)
    server = world.server(introspection=everything)
    assert refused(server, world.bearer(world.token())).reason == "not active"


def test_without_introspection_an_opaque_token_is_nothing(world):
    assert refused(world.server(), world.bearer("opaque")).error == "invalid_token"
    assert world.asked == []


def test_a_bound_opaque_token_needs_its_proof(world):
    introspected(world, cnf={"jkt": world.caller.thumbprint})
    server = world.server(introspection=SETTINGS)

    assert server.verify(world.dpop("opaque", world.proof("opaque"))).jkt
    assert refused(server, world.bearer("opaque")).scheme == "DPoP"
