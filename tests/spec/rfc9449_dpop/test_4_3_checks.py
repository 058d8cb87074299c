"""RFC 9449 section 4.3: each check of a proof, one defect at a time."""

from __future__ import annotations

import time

import jwt
import pytest

from authplane.core.metrics import counter
from tests.spec.rfc9449_dpop.conftest import TOKEN_URL
from tests.support.digests import nothing_changes
from tests.support.dpop import DPoPKey, b64
from tests.support.published import signing_key
from tests.support.refusals import INVALID_PROOF, assert_refused

pytestmark = pytest.mark.django_db

KEY = DPoPKey()
OTHER = DPoPKey()


def weak_rsa():
    from cryptography.hazmat.primitives.asymmetric import rsa

    private = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - weak on purpose
    return jwt.algorithms.RSAAlgorithm.to_jwk(private, as_dict=True)


def good(**claims):
    return KEY.proof(TOKEN_URL, **claims)


def by_other_key():
    """Signed by one key, naming another."""
    head, body, _ = good().split(".")
    signature = OTHER.proof(TOKEN_URL).split(".")[2]
    return f"{head}.{body}.{signature}"


def unsigned():
    head = b64(b'{"alg":"none","typ":"dpop+jwt"}')
    return f"{head}.{good().split('.')[1]}."


def symmetric():
    claims = {"jti": "a", "htm": "POST", "htu": TOKEN_URL, "iat": int(time.time())}
    return jwt.encode(claims, "secret" * 8, "HS256", headers={"typ": "dpop+jwt", "jwk": {}})


CLAUSES = [
    ("2", "a proof is a well-formed JWT", "dpop_malformed", lambda: "no.proof"),
    ("2", "a proof is a well-formed JWT", "dpop_malformed", lambda: "a" * 9000),
    ("2", "a proof is a well-formed JWT", "dpop_malformed", lambda: ""),
    ("3", "a proof has all required claims", "dpop_claim_missing", lambda: good(jti=None)),
    ("3", "a proof has all required claims", "dpop_claim_missing", lambda: good(jti="")),
    ("3", "a proof has all required claims", "dpop_claim_missing", lambda: good(jti="a" * 257)),
    ("3", "a proof has all required claims", "dpop_claim_missing", lambda: good(jti="\ud800")),
    ("3", "a proof has all required claims", "dpop_claim_missing", lambda: good(iat=10**400)),
    ("3", "a proof has all required claims", "dpop_claim_missing", lambda: good(iat=-(10**400))),
    ("3", "a proof has all required claims", "dpop_claim_missing", lambda: good(htm=None)),
    ("3", "a proof has all required claims", "dpop_claim_missing", lambda: good(htu=None)),
    ("3", "a proof has all required claims", "dpop_claim_missing", lambda: good(htu=["x"])),
    ("3", "a proof has all required claims", "dpop_claim_missing", lambda: good(iat=None)),
    ("3", "a proof has all required claims", "dpop_claim_missing", lambda: good(iat=True)),
    ("3", "a proof has all required claims", "dpop_claim_missing", lambda: good(iat="now")),
    ("4", "a proof has the type dpop+jwt", "dpop_type", lambda: good(header={"typ": "JWT"})),
    ("4", "a proof has the type dpop+jwt", "dpop_type", lambda: good(header={"typ": None})),
    ("4", "a proof has the type dpop+jwt", "dpop_type", lambda: good(header={"typ": "at+jwt"})),
    ("5", "a proof is signed with an asymmetric algorithm", "dpop_malformed", unsigned),
    ("5", "a proof is signed with an asymmetric algorithm", "dpop_algorithm", symmetric),
    (
        "5",
        "a proof is signed with an asymmetric algorithm",
        "dpop_algorithm",
        lambda: good(header={"alg": "ES512"}),
    ),
    ("6", "a proof is signed by the key it names", "dpop_signature", by_other_key),
    (
        "6",
        "a proof is signed by the key it names",
        "dpop_signature",
        lambda: good(header={"jwk": OTHER.public_jwk}),
    ),
    ("6", "a proof is signed by the key it names", "dpop_signature", lambda: good() + "AA"),
    (
        "6",
        "a proof is signed by the key it names",
        "dpop_signature",
        lambda: good(header={"crit": ["b64"], "b64": False}),
    ),
    (
        "7",
        "the key of a proof is a public one",
        "dpop_key_private",
        lambda: good(header={"jwk": KEY.private_jwk}),
    ),
    (
        "7",
        "the key of a proof is a public one",
        "dpop_key_missing",
        lambda: good(header={"jwk": None}),
    ),
    (
        "7",
        "the key of a proof is a public one",
        "dpop_key_missing",
        lambda: good(header={"jwk": "x"}),
    ),
    (
        "7",
        "the key of a proof is a public one",
        "dpop_key_private",
        lambda: good(header={"jwk": {"kty": "oct", "k": "c2VjcmV0"}}),
    ),
    (
        "7",
        "the key of a proof is a public one",
        "dpop_key_unfit",
        lambda: good(header={"jwk": DPoPKey("RS256").public_jwk}),
    ),
    (
        "7",
        "the key of a proof is a public one",
        "dpop_key_unfit",
        lambda: good(header={"jwk": {**KEY.public_jwk, "crv": "P-384"}}),
    ),
    ("8", "a proof is for the method used", "dpop_method", lambda: good(htm="GET")),
    ("8", "a proof is for the method used", "dpop_method", lambda: good(htm="post")),
    ("9", "a proof is for the URL called", "dpop_address", lambda: good(htu=TOKEN_URL + "/")),
    (
        "9",
        "a proof is for the URL called",
        "dpop_address",
        lambda: good(htu="http://localhost:9000/token"),
    ),
    (
        "9",
        "a proof is for the URL called",
        "dpop_address",
        lambda: good(htu="https://localhost:9000/oauth/token"),
    ),
    (
        "9",
        "a proof is for the URL called",
        "dpop_address",
        lambda: good(htu="http://localhost:9001/oauth/token"),
    ),
    ("9", "a proof is for the URL called", "dpop_address", lambda: good(htu="oauth/token")),
    (
        "11",
        "a proof was made within an acceptable time",
        "dpop_time",
        lambda: good(iat=int(time.time()) - 62),
    ),
    (
        "11",
        "a proof was made within an acceptable time",
        "dpop_time",
        lambda: good(iat=int(time.time()) + 62),
    ),
    (
        "11",
        "a proof was made within an acceptable time",
        "dpop_time",
        lambda: good(exp=int(time.time()) - 62),
    ),
]


@pytest.mark.parametrize(
    ("expected", "defective"),
    [
        pytest.param(
            private,
            make,
            marks=pytest.mark.spec("RFC 9449", "4.3", "MUST", text),
            id=f"{check}-{n}",
        )
        for n, (check, text, private, make) in enumerate(CLAUSES)
    ],
)
@pytest.mark.shows("metric", "authplane_dpop_proofs_rejected_total")
def test_a_proof_with_one_defect_is_refused(ask, reason, expected, defective):
    with nothing_changes():
        answer = ask(defective())

    assert_refused(answer, INVALID_PROOF)
    assert reason() == expected


@pytest.mark.spec("RFC 9449", "4.3", "MUST", "a request carries one proof")
def test_several_proofs_are_refused(ask, reason):
    """Servers hand repeated headers on as one; tests/concurrency/test_proof_race.py sends two."""
    with nothing_changes():
        answer = ask(f"{good()}, {good()}")

    assert_refused(answer, INVALID_PROOF)
    assert reason() == "dpop_several"


@pytest.mark.spec("RFC 9449", "11.1", "MUST", "a proof is used at most once")
def test_a_proof_works_once(ask, reason):
    proof = good()
    assert ask(proof).status_code == 200

    with nothing_changes():
        answer = ask(proof)

    assert_refused(answer, INVALID_PROOF)
    assert reason() == "dpop_replayed"


def test_the_same_id_of_another_key_is_another_proof(ask):
    """Nobody can use up the proofs of others by guessing their ids."""
    assert ask(OTHER.proof(TOKEN_URL, jti="same")).status_code == 200
    assert ask(KEY.proof(TOKEN_URL, jti="same")).status_code == 200


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA", "PS256", "RS256"])
@pytest.mark.shows("metric", "authplane_dpop_proofs_validated_total")
def test_each_announced_algorithm_binds(ask, algorithm):
    key = DPoPKey(algorithm)

    answer = ask(key.proof(TOKEN_URL))

    assert (answer.status_code, answer.json()["token_type"]) == (200, "DPoP")
    claims = jwt.decode(answer.json()["access_token"], options={"verify_signature": False})
    assert claims["cnf"] == {"jkt": key.jkt}


def test_a_short_rsa_key_is_refused(ask, reason):
    weak = DPoPKey("RS256", private_jwk=weak_rsa())

    assert_refused(ask(weak.proof(TOKEN_URL)), INVALID_PROOF)
    assert reason() == "dpop_key_unfit"


@pytest.mark.parametrize(
    "htu",
    [
        "HTTP://LOCALHOST:9000/oauth/token",
        "http://localhost:9000/oauth/token?x=1#y",
        "http://localhost:9000/oauth/./x/../token",
        "http://localhost:9000/%6Fauth/token",
    ],
)
@pytest.mark.spec("RFC 9449", "4.3", "SHOULD", "htu is normalised before it is compared")
def test_other_spellings_of_the_url_are_the_same(ask, htu):
    assert ask(good(htu=htu)).status_code == 200


def test_the_proof_is_for_the_url_called_not_for_its_alias(ask):
    other_name = "http://localhost:9000/token"

    assert_refused(ask(good(), url="/token"), INVALID_PROOF)
    assert ask(KEY.proof(other_name), url="/token").status_code == 200


def test_what_a_key_says_of_its_own_use_does_not_matter(ask):
    jwk = KEY.public_jwk | {"kid": "one", "use": "sig", "alg": "ES256"}

    assert ask(good(header={"jwk": jwk, "kid": "another"})).status_code == 200


@pytest.mark.shows("setting", "dpop.enabled")
def test_while_it_is_off_proofs_are_ignored(ask, override_config):
    override_config(features={"dpop": False})

    answer = ask("nonsense")

    assert (answer.status_code, answer.json()["token_type"]) == (200, "Bearer")
    assert "dpop-nonce" not in answer.headers


@pytest.mark.shows("setting", "dpop.proof_lifetime")
def test_the_acceptable_time_can_be_set(ask, override_config):
    override_config(dpop={"proof_lifetime": 300})

    assert ask(good(iat=int(time.time()) - 200)).status_code == 200


def test_refused_proofs_are_counted_by_reason(ask):
    counted = counter("authplane_dpop_proofs_rejected_total").labels("dpop_method")
    before = counted._value.get()

    ask(good(htm="GET"))

    assert counted._value.get() == before + 1


def test_keys_for_signing_assertions_fit_as_well(ask):
    key = DPoPKey(private_jwk=signing_key(None))

    assert ask(key.proof(TOKEN_URL)).status_code == 200
