"""RFC 9449 at a resource server: a test per clause."""

import pytest

from authplane.resource import Refused, Unavailable
from authplane.resource.nonces import LIFETIME, Nonces
from authplane.resource.replay import MemoryReplay

RESOURCE = "https://mcp.example.com/mcp"
SECRET = b"0123456789abcdef"


def refusal(server, incoming, **needs):
    with pytest.raises(Refused) as caught:
        server.verify(incoming, **needs)
    return caught.value


def test_a_bound_token_with_its_proof(world):
    bound = world.bound_token()

    token = world.server().verify(world.dpop(bound, world.proof(bound)))

    assert token.jkt == world.caller.thumbprint


@pytest.mark.parametrize(
    ("header", "claims", "check"),
    [
        ({"typ": "JWT"}, {}, "check 4"),
        ({"jwk": None}, {}, "jwk is not a public key"),
        ({"jwk": {"kty": "EC", "crv": "P-256"}}, {}, "jwk is incomplete"),
        ({"jwk": {"kty": "oct", "k": "c2VjcmV0"}}, {}, "jwk is not a public key"),
        ({"crit": ["exp"]}, {}, "header not understood"),
        ({}, {"jti": None}, "check 3"),
        ({}, {"jti": ""}, "check 3"),
        ({}, {"jti": "j" * 257}, "check 3"),
        ({}, {"jti": "j\ud800"}, "check 3"),
        ({}, {"jti": 7}, "check 3"),
        ({}, {"htm": "GET"}, "check 8"),
        ({}, {"htm": "post"}, "check 8"),
        ({}, {"htm": None}, "check 8"),
        ({}, {"htu": "https://mcp.example.com/"}, "check 9"),
        ({}, {"htu": "https://mcp.example.com/MCP"}, "check 9"),
        ({}, {"htu": "http://mcp.example.com/mcp"}, "check 9"),
        ({}, {"htu": None}, "check 9"),
        ({}, {"iat": None}, "check 3"),
        ({}, {"iat": True}, "check 3"),
        ({}, {"iat": 1_800_000_000 - 331}, "check 11"),
        ({}, {"iat": 1_800_000_031}, "check 11"),
        ({}, {"exp": 1_800_000_000 - 30}, "expired"),
        ({}, {"nbf": 1_800_000_031}, "not valid yet"),
        ({}, {"ath": None}, "check 12"),
        ({}, {"ath": "x" * 43}, "check 12"),
    ],
)
@pytest.mark.spec("RFC 9449", "7", "MUST", "a protected resource checks every clause of a proof")
def test_each_clause(world, header, claims, check):
    bound = world.bound_token()
    proof = world.proof(bound, header=header, **claims)

    refused = refusal(world.server(), world.dpop(bound, proof))

    assert (refused.status, refused.error) == (401, "invalid_dpop_proof")
    assert check in refused.reason


@pytest.mark.parametrize(
    "claims",
    [
        {"htu": "HTTPS://MCP.example.com:443/mcp?query=1#part"},
        {"htu": "https://mcp.example.com/%6dcp"},
        {"iat": 1_800_000_000 - 330},
        {"iat": 1_800_000_030},
        {"exp": 1_800_000_000 - 29},
    ],
)
def test_what_differs_in_spelling_alone(world, claims):
    bound = world.bound_token()

    world.server().verify(world.dpop(bound, world.proof(bound, **claims)))


def test_exactly_one_proof(world):
    bound = world.bound_token()
    good = world.proof(bound)

    for proofs in ((), (good, good), (good, world.proof(bound)), (f"{good}, {good}",)):
        assert refusal(world.server(), world.dpop(bound, *proofs)).error == "invalid_dpop_proof"


def test_a_private_key_in_the_proof_is_refused(world):
    bound = world.bound_token()
    proof = world.proof(bound, header={"jwk": world.caller.public | {"d": "x"}})

    assert refusal(world.server(), world.dpop(bound, proof)).error == "invalid_dpop_proof"


def test_a_proof_by_another_key(world):
    bound = world.token(cnf={"jkt": world.key.thumbprint})
    refused = refusal(world.server(), world.dpop(bound, world.proof(bound)))

    assert "another key" in refused.reason


def test_a_key_in_the_header_that_did_not_sign(world):
    bound = world.token(cnf={"jkt": world.key.thumbprint})
    proof = world.proof(bound, header={"jwk": world.key.public})

    assert "check 6" in refusal(world.server(), world.dpop(bound, proof)).reason


def test_a_proof_is_used_once(world):
    bound, server = world.bound_token(), world.server()
    proof = world.proof(bound)
    server.verify(world.dpop(bound, proof))

    assert "used before" in refusal(server, world.dpop(bound, proof)).reason


def test_a_refused_request_leaves_its_proof_unused(world):
    bound, server = world.bound_token(), world.server()
    proof = world.proof(bound)

    assert refusal(server, world.dpop(bound, proof), scopes=("write",)).scheme == "DPoP"
    assert refusal(server, world.dpop(bound, proof), max_age=1).scheme == "DPoP"
    server.verify(world.dpop(bound, proof))


@pytest.mark.spec("RFC 9449", "7.2", "MUST", "a bound token is no bearer token")
def test_no_downgrade_to_bearer(world):
    bound = world.bound_token()
    refused = refusal(world.server(), world.bearer(bound, proofs=(world.proof(bound),)))

    assert (refused.error, refused.scheme) == ("invalid_token", "DPoP")


def test_an_unbound_token_is_not_accepted_under_dpop(world):
    token = world.token()

    assert refusal(world.server(), world.dpop(token, world.proof(token))).error == "invalid_token"


def test_required_means_every_token(world):
    server = world.server(dpop="required")
    refused = refusal(server, world.bearer(world.token()))
    assert (refused.error, refused.scheme) == ("invalid_token", "DPoP")

    bound = world.bound_token()
    server.verify(world.dpop(bound, world.proof(bound)))


def test_off_refuses_every_sign_of_it(world):
    server = world.server(dpop="off")
    bound, plain = world.bound_token(), world.token()

    for incoming in (
        world.dpop(bound, world.proof(bound)),
        world.bearer(bound),
        world.bearer(plain, proofs=(world.proof(plain),)),
    ):
        assert refusal(server, incoming).error == "invalid_token"
    server.verify(world.bearer(plain))


@pytest.mark.spec("RFC 9449", "9", "MUST", "a resource that needs a nonce says which")
def test_a_nonce_is_demanded_and_then_accepted(world):
    bound, server = world.bound_token(), world.server(nonce_secret=SECRET)
    for presented in (None, "", "x", 7, Nonces(b"another-secret-16").new(world.now)):
        refused = refusal(server, world.dpop(bound, world.proof(bound, nonce=presented)))
        assert (refused.status, refused.error) == (401, "use_dpop_nonce")

    world.now += 10
    proof = world.proof(bound, nonce=refused.nonce)
    assert server.verify(world.dpop(bound, proof)).nonce == ""


def test_a_nonce_that_grows_old_is_replaced_and_then_lapses(world):
    bound, server = world.bound_token(), world.server(nonce_secret=SECRET)
    nonce = Nonces(SECRET).new(world.now)

    world.now += LIFETIME / 2 + 1
    renewed = server.verify(world.dpop(bound, world.proof(bound, nonce=nonce))).nonce
    assert renewed not in {"", nonce}
    world.now += LIFETIME / 2
    refused = refusal(server, world.dpop(bound, world.proof(bound, nonce=nonce)))
    assert refused.error == "use_dpop_nonce"


def test_demanding_a_nonce_spends_nothing(world):
    spent = []
    server = world.server(nonce_secret=SECRET, spend=lambda key, _: spent.append(key) or True)
    bound = world.bound_token()

    refusal(server, world.dpop(bound, world.proof(bound)))
    assert spent == []


def test_a_shared_memory_is_asked_for_long_enough(world):
    asked = []
    server = world.server(spend=lambda key, seconds: asked.append((key, seconds)) or True)
    bound = world.bound_token()

    server.verify(world.dpop(bound, world.proof(bound, iat=int(world.now) + 20, jti="secret-jti")))

    ((key, seconds),) = asked
    assert seconds == 351
    assert "secret-jti" not in key


@pytest.mark.parametrize("answer", [False, RuntimeError("gone")])
def test_a_memory_that_refuses_or_fails_lets_nobody_in(world, answer):
    def spend(_key, _seconds):
        if isinstance(answer, Exception):
            raise answer
        return answer

    bound = world.bound_token()
    with pytest.raises((Refused, Unavailable)):
        world.server(spend=spend).verify(world.dpop(bound, world.proof(bound)))


def test_the_memory_forgets_in_time_and_refuses_when_full():
    moment = [0.0]
    memory = MemoryReplay(capacity=2, clock=lambda: moment[0])

    assert memory("a", 10)
    assert memory("b", 20)
    assert not memory("a", 10)
    with pytest.raises(Unavailable):
        memory("c", 10)
    moment[0] = 10.0
    assert memory("c", 10)
    assert not memory("b", 10)
