"""RFC 7523 section 3 for assertions as grants: each clause, and what a refusal leaves behind."""

from __future__ import annotations

import time

import jwt
import pytest

from tests.support.digests import nothing_changes
from tests.support.factories import make_client
from tests.support.idp import JWT_BEARER
from tests.support.published import key_set, signing_key
from tests.support.record import reasons, recorded
from tests.support.refusals import (
    GRANT_TYPE_DISABLED,
    GRANT_TYPE_NOT_ALLOWED,
    INVALID_CLIENT,
    Refusal,
    assert_refused,
)

pytestmark = pytest.mark.django_db

BAD_ASSERTION = Refusal(
    400, "invalid_grant", "the assertion is invalid, expired, or not trusted here"
)
MISSING = Refusal(400, "invalid_request", "assertion is missing")
USED = Refusal(400, "invalid_grant", "the assertion was used before")


def refuse(ema, assertion, reason, expected=BAD_ASSERTION, **form):
    with nothing_changes():
        answer = ema.redeem(assertion, **form)
    assert_refused(answer, expected)
    assert reasons("jwt_bearer.denied")[-1:] == [reason]


@pytest.mark.spec("RFC 7523", "2.1", "MUST", "the assertion grant carries one assertion")
def test_without_an_assertion_there_is_nothing_to_trade(ema):
    refuse(ema, "", "missing_assertion", MISSING)


@pytest.mark.spec("Broker", "13.4", "MUST", "a good assertion is a token without a refresh token")
@pytest.mark.shows("audit event", "jwt_bearer.issued")
def test_a_good_assertion_becomes_a_token_without_refresh_token(ema):
    answer = ema.redeem()

    assert answer.status_code == 200, answer.text
    assert set(answer.json()) == {"access_token", "token_type", "expires_in", "scope"}
    (told,) = recorded("jwt_bearer.issued")
    assert (told["idp"], told["scopes"]) == (ema.idp.issuer, "read")


@pytest.mark.shows("setting", "xaa.enabled")
def test_the_grant_can_be_switched_off(ema, override_config):
    override_config(features={"xaa": False, "workload": False})

    with nothing_changes():
        assert_refused(ema.redeem(), GRANT_TYPE_DISABLED)


def test_a_client_without_the_grant_is_refused(ema):
    other = ema.scene.machine
    ema.client = other

    with nothing_changes():
        assert_refused(ema.redeem(), GRANT_TYPE_NOT_ALLOWED)


@pytest.mark.spec("RFC 7523", "3.1", "MUST", "clients of the assertion grant prove themselves")
def test_public_clients_and_wrong_secrets_are_refused(ema):
    row = make_client(grant_types=[JWT_BEARER], scope="read")
    public = ema.client.sibling(client_id=row.client_id, client_secret=None, auth_method="none")
    assertion = ema.idp.assertion(row.client_id)
    with nothing_changes():
        answer = public.token(grant_type=JWT_BEARER, assertion=assertion)
    assert_refused(answer, INVALID_CLIENT)

    ema.client.client_secret = "wrong-secret-of-somebody-else"
    with nothing_changes():
        assert_refused(ema.redeem(), INVALID_CLIENT)


@pytest.mark.spec("RFC 7523", "3", "MUST", "the issuer of an assertion grant is trusted")
@pytest.mark.parametrize("issuer", ["https://evil.example", "", None, "\x00"])
def test_an_unknown_issuer_is_refused_without_a_fetch(ema, issuer):
    before = len(ema.idp.world.asked)

    refuse(ema, ema.assertion(iss=issuer), "untrusted_issuer")

    assert len(ema.idp.world.asked) == before


@pytest.mark.spec("RFC 7523", "3", "MUST", "the issuer of an assertion grant is trusted")
def test_the_issuer_is_compared_byte_for_byte(ema):
    for issuer in (ema.idp.issuer + "/", ema.idp.issuer.upper(), ema.idp.issuer + ":443"):
        refuse(ema, ema.assertion(iss=issuer), "untrusted_issuer")


@pytest.mark.spec("RFC 7523", "3", "MUST", "an assertion grant has a subject")
@pytest.mark.parametrize("subject", [None, "", 7, ["ann"], "a\nb", "x" * 256])
def test_the_subject_is_needed(ema, subject):
    refuse(ema, ema.assertion(sub=subject), "assertion_claims")


@pytest.mark.spec("RFC 7523", "3", "MUST", "an assertion grant is for this server")
@pytest.mark.parametrize(
    "audience",
    [
        None, "", "https://other.example", "http://localhost:9000/", "http://localhost:9000/oauth/token",
        [], ["https://other.example"], ["http://localhost:9000", "https://other.example"],
        ["http://localhost:9000", "http://localhost:9000"], {"0": "http://localhost:9000"}, 1,
    ],
)  # fmt: skip
def test_another_audience_is_refused(ema, audience):
    refuse(ema, ema.assertion(aud=audience), "assertion_audience")


@pytest.mark.parametrize("audience", ["http://localhost:9000", ["http://localhost:9000"]])
def test_the_audience_may_be_a_string_or_a_list_of_one(ema, audience):
    assert ema.redeem(ema.assertion(aud=audience)).status_code == 200


@pytest.mark.spec("RFC 7523", "3", "MUST", "an assertion grant has an expiry in the future")
@pytest.mark.parametrize("ago", [31, 3600])
def test_an_expired_assertion_is_refused(ema, ago):
    now = int(time.time())

    refuse(ema, ema.assertion(exp=now - ago, iat=now - 60), "assertion_expired")


@pytest.mark.parametrize("expires", [None, "soon", True, float("1e12"), [1]])
def test_an_assertion_without_a_usable_expiry_is_refused(ema, expires):
    refuse(ema, ema.assertion(exp=expires), "assertion_claims")


@pytest.mark.spec("Broker", "13.4", "MUST", "thirty seconds of leeway")
def test_thirty_seconds_of_leeway(ema):
    assert ema.redeem(ema.assertion(exp=int(time.time()) - 20)).status_code == 200


@pytest.mark.spec("RFC 7523", "3", "MUST", "an assertion grant is not used before its nbf")
def test_an_assertion_that_does_not_count_yet_is_refused(ema):
    refuse(ema, ema.assertion(nbf=int(time.time()) + 40), "assertion_claims")
    refuse(ema, ema.assertion(nbf="later"), "assertion_claims")
    assert ema.redeem(ema.assertion(nbf=int(time.time()) + 20)).status_code == 200


@pytest.mark.spec("Broker", "13.4", "MUST", "an old assertion is refused")
@pytest.mark.spec("RFC 7523", "3", "MAY", "an assertion grant that is too old is refused")
@pytest.mark.shows("setting", "xaa.max_assertion_age")
def test_an_old_assertion_is_refused(ema, override_config):
    now = int(time.time())
    refuse(ema, ema.assertion(iat=now - 360, exp=now + 60), "assertion_too_old")
    refuse(ema, ema.assertion(iat=None), "assertion_claims")
    refuse(ema, ema.assertion(iat=now + 60), "assertion_claims")

    override_config(xaa={"max_assertion_age": 600})
    assert ema.redeem(ema.assertion(iat=now - 360, exp=now + 60)).status_code == 200


@pytest.mark.spec("Broker", "13.4", "MUST", "an assertion is used once")
@pytest.mark.spec("RFC 7523", "3", "MAY", "an assertion grant is used at most once")
def test_an_assertion_is_used_once(ema):
    assertion = ema.assertion()

    assert ema.redeem(assertion).status_code == 200
    refuse(ema, assertion, "assertion_replayed", USED)


def test_the_id_counts_and_not_the_text(ema):
    ema.token(jti="one")

    refuse(ema, ema.assertion(jti="one", scope="read"), "assertion_replayed", USED)


def test_providers_do_not_use_up_each_others_ids(ema):
    from tests.support.idp import IdentityProvider

    other = IdentityProvider(ema.idp.world)
    other.publish()
    other.trusted()
    ema.token(jti="one")

    answer = ema.redeem(other.assertion(ema.client.client_id, jti="one"))

    assert answer.status_code == 200


@pytest.mark.parametrize("jti", [None, "", 7, "x" * 256, "a\x00b"])
def test_an_id_is_needed(ema, jti):
    refuse(ema, ema.assertion(jti=jti), "assertion_claims")


def test_an_id_is_remembered_past_the_end_of_its_assertion(ema):
    from authplane.core.models import OneTimeValue

    now = int(time.time())
    ema.token(iat=now, exp=now + 100)

    kept = OneTimeValue.objects.get(namespace="identity_assertion").expires_at.timestamp()
    assert now + 160 <= kept <= now + 165


def test_an_absurd_expiry_is_not_remembered_for_ever(ema):
    from authplane.core.models import OneTimeValue

    now = int(time.time())
    ema.token(exp=90_000_000_000)

    kept = OneTimeValue.objects.get(namespace="identity_assertion").expires_at.timestamp()
    assert kept <= now + 86400 + 60


@pytest.mark.spec("RFC 7523", "3", "MUST", "an assertion grant is signed by its issuer's own key")
def test_a_foreign_signature_is_refused(ema):
    stranger = signing_key("first")

    refuse(ema, ema.assertion(key=stranger), "assertion_signature")


def test_a_changed_claim_is_refused(ema):
    head, _, signature = ema.assertion().split(".")
    _, body, _ = ema.assertion(sub="eve").split(".")

    refuse(ema, f"{head}.{body}.{signature}", "assertion_signature")


@pytest.mark.spec("Broker", "13.4", "MUST", "unsigned and symmetric assertions are refused")
@pytest.mark.spec("RFC 8725", "3.1", "MUST", "an assertion grant is signed asymmetrically")
@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_unsigned_and_symmetric_assertions_are_refused(ema, algorithm):
    claims = jwt.decode(ema.assertion(), options={"verify_signature": False})
    secret = None if algorithm == "none" else "k" * 64
    forged = jwt.encode(
        claims, secret, algorithm=algorithm, headers={"typ": "oauth-id-jag+jwt", "kid": "first"}
    )

    refuse(ema, forged, "invalid_assertion")


@pytest.mark.parametrize(
    "kind", ["ES256", "ES384", "EdDSA", "RS256", "RS384", "PS256", "PS512"]
)  # fmt: skip
def test_every_asymmetric_algorithm_is_accepted(ema, kind):
    base = {"R": "RS256", "P": "PS256"}.get(kind[0], kind)
    ema.idp.key = signing_key("other", kind=base) | {"alg": kind}
    ema.idp.publish()

    assert ema.redeem().status_code == 200


@pytest.mark.parametrize("text", ["x", "a.b.c", "a.b", "e30.e30.e30", "e30.e30.", "." * 3, "ä.b.c"])
def test_what_is_no_token_is_refused(ema, text):
    refuse(ema, text, "invalid_assertion")


def test_a_header_that_demands_an_extension_is_refused(ema):
    refuse(ema, ema.assertion(headers={"crit": ["b64"], "b64": True}), "assertion_signature")


@pytest.mark.parametrize(
    "published",
    [
        lambda key: key_set(key) | {"keys": [*key_set(key)["keys"], {"kty": "oct", "k": "eHh4"}]},
        lambda key: {"keys": [key]},
        lambda key: {"keys": []},
        lambda key: ["keys"],
        lambda key: "keys",
    ],
)
def test_a_key_set_with_a_private_or_symmetric_key_is_not_used(ema, published):
    ema.idp.world.publish(ema.idp.path, published(ema.idp.key))

    with nothing_changes():
        answer = ema.redeem()

    assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")


@pytest.mark.shows("audit event", "jwt_bearer.denied")
def test_refusals_are_recorded_without_the_assertion(ema):
    assertion = ema.assertion(sub=None)

    ema.redeem(assertion)

    (told,) = recorded("jwt_bearer.denied")
    assert told == {"reason": "assertion_claims"}


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "private_key_jwt"])
def test_a_confidential_client_of_every_method_may_ask(ema, method):
    key = signing_key("client")
    keyed = {"client_jwks": key_set(key)} if method == "private_key_jwt" else {}
    ema.client = ema.scene.another_machine(
        scope="read", grant_types=[JWT_BEARER], token_endpoint_auth_method=method, **keyed
    )
    ema.client.private_jwk = key

    assert ema.redeem().status_code == 200


@pytest.mark.parametrize("path", ["/token", "/oauth/token"])
def test_the_root_alias_does_the_same(ema, path):
    assertion = ema.assertion()
    ema.client.token(path=path, grant_type=JWT_BEARER, assertion=assertion).raise_for_status()

    refuse(ema, assertion, "assertion_replayed", USED)


def test_neither_assertion_nor_subject_is_written_anywhere(ema, caplog):
    from audit.models import AuditEvent

    caplog.set_level("INFO")
    good = ema.assertion(sub="ann@example.com")
    ema.redeem(good).raise_for_status()
    ema.redeem(good)
    ema.redeem(ema.assertion(sub="ann@example.com"), scope="admin")

    told = caplog.text + repr(list(AuditEvent.objects.values_list("detail", "actor_id")))
    assert "jwt_bearer.issued" in caplog.text or recorded("jwt_bearer.issued")
    for part in ("ann@example.com", *good.split(".")[1:]):
        assert part not in told
