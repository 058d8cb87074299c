"""RFC 9068 section 4 and RFC 6750, as a resource server keeps them."""

import asyncio
import base64
import hmac
import json

import jwt
import pytest

from authplane.resource import Protection, Refused, Unavailable
from authplane.resource.work import Fetched

ISSUER, RESOURCE = "https://as.example.com", "https://mcp.example.com/mcp"


def refusal(server, incoming, **needs):
    with pytest.raises(Refused) as caught:
        server.verify(incoming, **needs)
    return caught.value


def test_a_good_token_says_who_calls(world):
    token = world.server().verify(
        world.bearer(world.token(scope="read write", act={"sub": "agent"}))
    )

    assert (token.subject, token.client_id, token.jti) == ("user-1", "client-1", "token-1")
    assert token.scopes == ("read", "write")
    assert token.actors == {"sub": "agent"}
    assert token.has("write")
    assert not token.has("admin")
    assert token.value not in repr(token)


def test_the_audience_may_be_a_text(world):
    assert world.server().verify(world.bearer(world.token(aud=RESOURCE))).resource == RESOURCE


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"iss": f"{ISSUER}/"}, "another issuer"),
        ({"iss": "https://AS.example.com"}, "another issuer"),
        ({"iss": None}, "a required claim is missing"),
        ({"aud": None}, "another audience"),
        ({"aud": []}, "another audience"),
        ({"aud": f"{RESOURCE}/"}, "another audience"),
        ({"aud": ["https://other.example.com"]}, "another audience"),
        ({"aud": [RESOURCE, "https://other.example.com"]}, "another audience"),
        ({"aud": [[RESOURCE]]}, "another audience"),
        ({"sub": None}, "a required claim is missing"),
        ({"sub": 7}, "a required claim is missing"),
        ({"client_id": ""}, "a required claim is missing"),
        ({"jti": None}, "a required claim is missing"),
        ({"iat": None}, "iat is missing"),
        ({"iat": 1_800_000_031}, "not valid yet"),
        ({"nbf": 1_800_000_031}, "not valid yet"),
        ({"nbf": "soon"}, "not valid yet"),
        ({"exp": None}, "expired"),
        ({"exp": 1_800_000_000 - 30}, "expired"),
        ({"exp": True}, "expired"),
        ({"exp": "2040"}, "expired"),
        ({"exp": float("inf")}, "expired"),
        ({"exp": float("nan")}, "expired"),
        ({"scope": ["read"]}, "scope is not a text"),
        ({"cnf": {}}, "bound in an unknown way"),
        ({"cnf": "key"}, "bound in an unknown way"),
        ({"cnf": {"jwk": {}}}, "bound in an unknown way"),
        ({"cnf": {"jkt": ""}}, "bound in an unknown way"),
        ({"cnf": {"jkt": "a", "other": "b"}}, "bound in an unknown way"),
    ],
)
@pytest.mark.spec("RFC 9068", "4", "MUST", "a resource server refuses a foreign audience")
def test_claims_that_do_not_fit(world, changes, reason):
    refused = refusal(world.server(), world.bearer(world.token(**changes)))

    assert (refused.status, refused.error, refused.reason) == (401, "invalid_token", reason)


@pytest.mark.parametrize("changes", [{"exp": 1_800_000_000 - 29}, {"nbf": 1_800_000_030}])
def test_clocks_may_differ_by_the_skew(world, changes):
    world.server().verify(world.bearer(world.token(**changes)))


@pytest.mark.parametrize(
    "header",
    [{"typ": "JWT"}, {"typ": None}, {"typ": "dpop+jwt"}, {"kid": None}, {"kid": "other"},
     {"crit": ["exp"]}],
)  # fmt: skip
def test_headers_that_do_not_fit(world, header):
    token = world.key.sign(world.claims(), **header)

    assert refusal(world.server(), world.bearer(token)).error == "invalid_token"


@pytest.mark.parametrize("typ", ["AT+JWT", "application/at+jwt"])
def test_the_type_may_be_written_in_full(world, typ):
    world.server().verify(world.bearer(world.key.sign(world.claims(), typ=typ)))


def unsigned(world):
    header = base64.urlsafe_b64encode(b'{"alg":"none","typ":"at+jwt","kid":"k1"}').rstrip(b"=")
    body = base64.urlsafe_b64encode(json.dumps(world.claims()).encode()).rstrip(b"=")
    return f"{header.decode()}.{body.decode()}.AA"


def signed_with_the_public_key(world):
    head = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"at+jwt","kid":"k1"}').rstrip(b"=")
    body = base64.urlsafe_b64encode(json.dumps(world.claims()).encode()).rstrip(b"=")
    known_to_all = json.dumps(world.key.jwk).encode()
    mark = hmac.digest(known_to_all, head + b"." + body, "sha256")
    return b".".join([head, body, base64.urlsafe_b64encode(mark).rstrip(b"=")]).decode()


def signed_by_another(world):
    return world.caller.sign(world.claims())


def tampered(world):
    head, _, mark = world.token().split(".")
    body = base64.urlsafe_b64encode(json.dumps(world.claims(scope="admin")).encode()).rstrip(b"=")
    return f"{head}.{body.decode()}.{mark}"


@pytest.mark.parametrize(
    "forge", [unsigned, signed_with_the_public_key, signed_by_another, tampered]
)
def test_forgeries(world, forge):
    assert refusal(world.server(), world.bearer(forge(world))).error == "invalid_token"


def test_a_symmetric_key_in_the_key_set_signs_nothing(world):
    secret = base64.urlsafe_b64encode(b"s" * 32).decode()
    world.publish_keys({"kty": "oct", "kid": "k1", "k": secret, "alg": "HS256"})
    token = jwt.encode(world.claims(), b"s" * 32, "HS256", {"typ": "at+jwt", "kid": "k1"})

    assert refusal(world.server(), world.bearer(token)).error == "invalid_token"


@pytest.mark.parametrize(
    "change", [{"use": "enc"}, {"key_ops": ["sign"]}, {"alg": "ES384"}, {"alg": "RS256"}]
)
def test_keys_for_something_else_verify_nothing(world, change):
    world.publish_keys(world.key.jwk | change)

    assert refusal(world.server(), world.bearer(world.token())).error == "invalid_token"


def test_a_token_in_the_query_is_refused_however_it_is_spelt(world):
    for query in ("access_token=x", "a=1&access%5Ftoken=", "access_token"):
        refused = refusal(world.server(), world.bearer(world.token(), query=query))
        assert (refused.status, refused.error) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("authorization", "status", "error"),
    [
        ((), 401, ""),
        (("Basic abc",), 401, ""),
        (("",), 401, ""),
        (("Bearer",), 400, "invalid_request"),
        (("Bearer ",), 400, "invalid_request"),
        (("Bearer a b",), 400, "invalid_request"),
        (("Bearer a,b",), 400, "invalid_request"),
        (("Bearer " + "a" * 20_000,), 400, "invalid_request"),
        (("Bearer a", "Bearer b"), 400, "invalid_request"),
        (("Bearer a", "DPoP b"), 400, "invalid_request"),
        (("bearer garbage",), 401, "invalid_token"),
    ],
)
def test_credentials_that_are_none_or_too_many(world, authorization, status, error):
    from tests.unit.resource.conftest import request

    refused = refusal(world.server(), request(authorization=authorization))

    assert (refused.status, refused.error) == (status, error)


def test_scopes_are_needed_all_and_named_all(world):
    server = world.server(scopes=("read",))
    refused = refusal(server, world.bearer(world.token()), scopes=("write", "read"))

    assert (refused.status, refused.error) == (403, "insufficient_scope")
    assert refused.scopes == ("read", "write")
    server.verify(world.bearer(world.token(scope="write read")), scopes=("write",))


@pytest.mark.parametrize(
    ("claims", "needs", "is_enough"),
    [
        ({"acr": "gold"}, {"acr_values": ("gold", "silver")}, True),
        ({"acr": "silver"}, {"acr_values": ("gold", "silver")}, True),
        ({"acr": "bronze"}, {"acr_values": ("gold", "silver")}, False),
        ({}, {"acr_values": ("gold",)}, False),
        ({"acr": ["gold"]}, {"acr_values": ("gold",)}, False),
        ({"auth_time": 1_800_000_000 - 90}, {"max_age": 60}, True),
        ({"auth_time": 1_800_000_000 - 91}, {"max_age": 60}, False),
        ({"auth_time": 1_800_000_000 - 31}, {"max_age": 0}, False),
        ({}, {"max_age": 10**6}, False),
        ({"auth_time": True}, {"max_age": 10**6}, False),
        ({"auth_time": "now"}, {"max_age": 10**6}, False),
    ],
)
def test_the_sign_in_is_recent_and_strong_enough(world, claims, needs, is_enough):
    incoming = world.bearer(world.token(**claims))
    if is_enough:
        world.server().verify(incoming, **needs)
        return
    refused = refusal(world.server(), incoming, **needs)
    assert (refused.status, refused.error) == (401, "insufficient_user_authentication")
    assert (refused.acr_values, refused.max_age) == (
        needs.get("acr_values", ()), needs.get("max_age"),
    )  # fmt: skip


def test_a_certificate_bound_token_needs_its_certificate(world):
    from authplane.resource.signatures import digest

    token = world.token(cnf={"x5t#S256": digest(b"certificate")})

    world.server().verify(world.bearer(token, certificate=b"certificate"))
    for certificate in (None, b"another"):
        refused = refusal(world.server(), world.bearer(token, certificate=certificate))
        assert refused.error == "invalid_token"


def test_the_asynchronous_check_is_the_same(world):
    server = world.server()
    server.verify(world.bearer(world.token()))

    token = asyncio.run(server.averify(world.bearer(world.token())))
    assert token.subject == "user-1"
    with pytest.raises(Refused):
        asyncio.run(server.averify_bearer(world.bound_token()))


@pytest.mark.parametrize(
    "settings",
    [
        {"issuer": "http://as.example.com"},
        {"issuer": "as.example.com"},
        {"issuer": "https://as.example.com?x=1"},
        {"resource": "https://mcp.example.com/#part"},
        {"resource": "https://user@mcp.example.com/"},
        {"resource": "ftp://mcp.example.com/"},
        {"public_url": "http://mcp.example.com"},
        {"dpop": "maybe"},
        {"algorithms": ("HS256",)},
        {"algorithms": ()},
        {"nonce_secret": b"short"},
    ],
)
def test_settings_that_cannot_be_obeyed(settings):
    with pytest.raises(ValueError):
        Protection(**{"issuer": ISSUER, "resource": RESOURCE} | settings)


def test_settings_for_this_machine():
    made = Protection(issuer="http://localhost:9000", resource="http://[::1]:9100/mcp")
    assert made.root_url == "http://[::1]:9100"


def test_no_keys_no_service(world):
    from tests.unit.resource.conftest import JWKS

    world.answers[JWKS] = Fetched(500)
    with pytest.raises(Unavailable):
        world.server().verify(world.bearer(world.token()))
