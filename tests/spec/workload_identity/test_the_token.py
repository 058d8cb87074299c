"""RFC 7523 section 3 and JWT-SVID: each defect of a workload's token, one at a time."""

from __future__ import annotations

import time

import pytest

from tests.spec.workload_identity.test_the_grant import INVALID_ASSERTION, UNKNOWN_WORKLOAD
from tests.support.digests import nothing_changes
from tests.support.dpop import DPoPKey
from tests.support.forged import signed_by_a_stranger, unsigned, with_claims, with_mac
from tests.support.platforms import ISSUER, Platform, make_workload
from tests.support.published import internet, key_set, signing_key
from tests.support.refusals import assert_refused


@pytest.fixture
def workload(scene):
    return make_workload(scene.client, resource=scene.resource.uri)


def denied(reason):
    from prometheus_client import REGISTRY

    name = "authplane_workload_tokens_denied_total"
    return REGISTRY.get_sample_value(name, {"reason": reason}) or 0


NOW = int(time.time())


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"iss": None}, None),
        ({"aud": None}, "workload_audience"),
        ({"aud": "https://other.example.com"}, "workload_audience"),
        ({"aud": ISSUER + "/"}, "workload_audience"),
        ({"aud": ISSUER + "/oauth/token"}, "workload_audience"),
        ({"aud": []}, "workload_audience"),
        ({"aud": [ISSUER, "https://other.example.com"]}, "workload_audience"),
        ({"aud": {"0": ISSUER}}, "workload_audience"),
        ({"exp": None}, "workload_expired"),
        ({"exp": NOW - 3600}, "workload_expired"),
        ({"exp": str(NOW + 3600)}, "workload_expired"),
        ({"exp": True}, "workload_expired"),
        ({"exp": 10**400}, "workload_expired"),
        ({"nbf": NOW + 9000}, "workload_token_invalid"),
        ({"iat": NOW + 9000}, "workload_token_invalid"),
        ({"iat": "now"}, "workload_token_invalid"),
        ({"iat": NOW - 9000}, "workload_too_old"),
        ({"iat": None, "exp": NOW + 9000}, "workload_too_old"),
        ({"sub": None}, "workload_subject_missing"),
        ({"sub": ""}, "workload_subject_missing"),
        ({"sub": 7}, "workload_subject_missing"),
        ({"sub": "x" * 513}, "workload_subject_missing"),
        ({"sub": "job-7\u0000"}, "workload_subject_missing"),
        ({"sub": "job-7\ud800"}, "workload_subject_missing"),
        ({"cnf": {"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}}, "workload_not_proved"),
        ({"cnf": {"x5t#S256": "x"}}, "workload_not_proved"),
        ({"cnf": {"jkt": ""}}, "workload_not_proved"),
        ({"cnf": {"jwk": {}}}, "workload_not_proved"),
        ({"cnf": "x"}, "workload_not_proved"),
        ({"cnf": {}}, "workload_not_proved"),
    ],
)
@pytest.mark.spec(
    "SEP-1933", "Flow Steps", "MUST", "a workload token that does not hold is invalid_grant"
)
@pytest.mark.shows("metric", "authplane_workload_tokens_denied_total")
def test_a_claim_that_does_not_hold(workload, claims, reason):
    before = denied(reason)

    with nothing_changes():
        assert_refused(workload.ask(workload.platform.token(**claims)), INVALID_ASSERTION)
    if reason:
        assert denied(reason) == before + 1


@pytest.mark.parametrize(
    "headers",
    [
        {"typ": "at+jwt"},
        {"typ": "dpop+jwt"},
        {"typ": "client-authentication+jwt"},
        {"typ": 7},
        {"crit": ["exp"]},
    ],
)
def test_a_header_that_does_not_hold(workload, headers):
    with nothing_changes():
        assert_refused(workload.ask(workload.platform.token(headers=headers)), INVALID_ASSERTION)


@pytest.mark.parametrize("headers", [{"typ": None}, {"kid": None}, {"typ": "jwt"}])
def test_a_header_that_says_less(workload, headers):
    assert workload.ask(workload.platform.token(headers=headers)).status_code == 200


@pytest.mark.parametrize("kind", ["kubernetes", "github_actions", "spiffe"])
def test_known_platforms_name_their_key(scene, kind):
    workload = make_workload(scene.client, resource=scene.resource.uri, kind=kind)

    with nothing_changes():
        token = workload.platform.token(headers={"kid": None})
        assert_refused(workload.ask(token), INVALID_ASSERTION)
        token = workload.platform.token(headers={"kid": "another"})
        assert_refused(workload.ask(token), INVALID_ASSERTION)


@pytest.mark.spec("SEP-1933", "Flow Steps", "MUST", "a workload token is signed by its issuer")
def test_nobody_else_signs_for_the_platform(workload):
    token = workload.platform.token()
    stranger = Platform(issuer=workload.platform.issuer)

    with nothing_changes():
        for forged in (
            unsigned(token),
            with_claims(token, sub="job-8"),
            signed_by_a_stranger(token),
            with_mac(token, b"secret"),
            stranger.token(),
        ):
            assert_refused(workload.ask(forged), INVALID_ASSERTION)


def test_a_jwt_svid_is_not_signed_with_eddsa(scene):
    """JWT-SVID section 2.1 lists the algorithms."""
    workload = make_workload(scene.client, resource=scene.resource.uri, kind="spiffe")
    platform = workload.platform
    platform.key = signing_key(kind="EdDSA")
    platform.change(jwks=key_set(platform.key))

    with nothing_changes():
        assert_refused(workload.ask(platform.token()), INVALID_ASSERTION)


def test_a_jwt_svid_without_issuer_belongs_to_its_trust_domain(scene):
    from tests.support.factories import driver_for, make_client
    from tests.support.platforms import JWT_BEARER, Workload

    row = make_client(grant_types=[JWT_BEARER], scope="read", redirect_uris="")
    platform = Platform("spiffe", issuer="spiffe://example.org")
    bundle = {"keys": [key | {"use": "jwt-svid"} for key in key_set(platform.key)["keys"]]}
    platform.register(
        {"subject": "spiffe://example.org/**", "client_id": row.client_id}, jwks=bundle
    )
    workload = Workload(platform, driver_for(row, base=scene.client, resource=scene.resource.uri))

    assert workload.ask(platform.token(iss=None)).status_code == 200
    assert workload.ask(platform.token(iss=None, typ="JOSE")).status_code == 200
    with nothing_changes():
        other = platform.token(iss=None, sub="spiffe://other.org/ns/a")
        assert_refused(workload.ask(other), INVALID_ASSERTION)
        other = platform.token(sub="spiffe://example.org.evil.com/ns/a")
        assert_refused(workload.ask(other), UNKNOWN_WORKLOAD)


@pytest.mark.parametrize(
    ("kind", "claims"),
    [
        ("generic", {"sub": "job-8"}),
        ("generic", {"sub": "Job-7"}),
        ("kubernetes", {"sub": "system:serviceaccount:team-b:deployer"}),
        ("kubernetes", {"sub": "system:serviceaccount:team-a:deployer:x"}),
        ("github_actions", {"sub": "repo:octo/widgets:ref:refs/heads/other"}),
        ("github_actions", {"sub": "repo:octo/widgets:ref:refs/heads/main2"}),
        ("spiffe", {"sub": "spiffe://example.org/ns/team-a/sa/deployer/x"}),
    ],
)
@pytest.mark.spec("SEP-1933", "Flow Steps", "MUST", "a workload that no rule knows gets nothing")
def test_a_workload_that_no_rule_knows(scene, kind, claims):
    workload = make_workload(scene.client, resource=scene.resource.uri, kind=kind)

    with nothing_changes():
        assert_refused(workload.ask(workload.platform.token(**claims)), UNKNOWN_WORKLOAD)


@pytest.mark.parametrize(
    ("wanted", "claims", "known"),
    [
        ({"environment": "production"}, {}, True),
        ({"environment": ["staging", "production"]}, {}, True),
        ({"environment": "production"}, {"environment": "staging"}, False),
        ({"environment": "production"}, {"environment": None}, False),
        ({"environment": "production"}, {"environment": ["production"]}, True),
        ({"run": 7}, {"run": 7}, True),
        ({"run": 1}, {"run": True}, False),
        ({"run": 7}, {"run": "7"}, False),
        ({"environment": "production", "ref": "other"}, {}, False),
    ],
)
def test_a_rule_can_demand_claims(scene, wanted, claims, known):
    workload = make_workload(
        scene.client, resource=scene.resource.uri, kind="github_actions", claims=wanted
    )

    answer = workload.ask(workload.platform.token(**claims))

    assert answer.status_code == (200 if known else 403)


def test_the_first_rule_that_matches_decides(scene):
    from tests.support.factories import driver_for, make_client
    from tests.support.platforms import JWT_BEARER, Workload

    rows = [make_client(grant_types=[JWT_BEARER], scope="read") for _ in range(3)]
    platform = Platform("kubernetes")
    nested = {"kubernetes.io/serviceaccount/name": "other"}
    platform.register(
        {"subject": "system:serviceaccount:*:*", "client_id": rows[0].client_id, "claims": nested},
        {"subject": "system:serviceaccount:team-a:*", "client_id": rows[1].client_id},
        {"subject": "system:serviceaccount:**", "client_id": rows[2].client_id},
    )
    workload = Workload(platform, driver_for(rows[0], base=scene.client, resource=None))

    def subject(**claims):
        token = workload.ask(platform.token(**claims)).json()["access_token"]
        return scene.client.claims(token)["sub"]

    assert subject() == rows[1].client_id
    assert subject(sub="system:serviceaccount:team-b:deployer") == rows[2].client_id


@pytest.mark.spec("SEP-1933", "Flow Steps", "MUST", "a workload token is for this server alone")
def test_an_audience_of_its_own(scene):
    workload = make_workload(scene.client, resource=scene.resource.uri)
    workload.platform.change(audience="authplane")

    assert workload.ask(workload.platform.token(aud="authplane")).status_code == 200
    with nothing_changes():
        assert_refused(workload.ask(), INVALID_ASSERTION)


def test_an_issuer_that_is_switched_off(workload):
    workload.platform.change(enabled=False)

    with nothing_changes():
        assert_refused(workload.ask(), INVALID_ASSERTION)


@pytest.mark.spec(
    "SEP-1933",
    "Security Implications",
    "SHOULD",
    "the freshness of a workload token is verified",
)
@pytest.mark.shows("setting", "workload.max_token_age")
def test_how_old_a_token_may_be_can_be_set(workload, override_config):
    now = int(time.time())
    token = workload.platform.token(iat=now - 600)
    assert workload.ask(token).status_code == 200

    override_config(workload={"max_token_age": 300})

    with nothing_changes():
        assert_refused(workload.ask(token), INVALID_ASSERTION)


def test_keys_are_fetched_and_an_outage_is_no_refusal(scene, monkeypatch):
    workload = make_workload(scene.client, resource=scene.resource.uri)
    with internet(monkeypatch) as world:
        workload.platform.change(jwks=None, jwks_uri="https://keys.example.com/jwks")
        with nothing_changes():
            answer = workload.ask()
        assert answer.status_code == 503
        assert answer.json()["error"] == "temporarily_unavailable"
        assert answer.headers["Retry-After"]
        workload.platform.change(jwks_uri="https://other-keys.example.com/jwks2")
        world.publish("/jwks2", key_set(workload.platform.key))
        assert [workload.ask().status_code for _ in range(2)] == [200, 200]
        assert world.paths() == ["/jwks", "/jwks2"]


URL = ISSUER + "/oauth/token"


def proof(key):
    return {"DPoP": key.proof(URL)}


def test_a_workload_can_bind_its_token(workload):
    key = DPoPKey()

    answer = workload.ask(headers=proof(key))

    assert answer.status_code == 200, answer.text
    assert answer.json()["token_type"] == "DPoP"
    claims = workload.client.claims(answer.json()["access_token"])
    assert claims["cnf"] == {"jkt": key.jkt}


def test_a_token_that_is_bound_needs_its_key(workload):
    key = DPoPKey()
    bound = workload.platform.token(cnf={"jkt": key.jkt})

    assert workload.ask(bound, headers=proof(key)).status_code == 200
    with nothing_changes():
        assert_refused(workload.ask(bound), INVALID_ASSERTION)
        assert_refused(workload.ask(bound, headers=proof(DPoPKey())), INVALID_ASSERTION)


def test_a_refused_request_uses_up_neither_proof_nor_token(scene):
    workload = make_workload(scene.client, resource=scene.resource.uri, single_use=True)
    token, headers = workload.platform.token(), proof(DPoPKey())

    with nothing_changes():
        assert workload.ask(token, scope="admin", headers=dict(headers)).status_code == 400
    assert workload.ask(token, headers=headers).status_code == 200
