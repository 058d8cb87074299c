"""Defects that a server with this interface is known to have had: none of them is ours.

One test for each row of the list, G1 to G29, by its number. They are short on purpose: each shows
the defect's own situation, over HTTP where there is one. The rule behind it has its tests by
specification section.

G8 is about what an upstream service's token is called: there are no upstream services yet, so the
test shows the half that exists, which is that our own bound tokens are called `DPoP`.
G24 is half ours: this server issues no ID tokens and does not claim to, so that what OpenID Connect
Discovery requires about them (subject_types_supported, id_token_signing_alg_values_supported) is
absent, and an OpenID Connect client is told so by the document itself.
"""

from __future__ import annotations

import uuid
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support.digests import nothing_changes, table_digests
from tests.support.dpop import DPoPKey
from tests.support.exchanging import make_delegation, row
from tests.support.idp import enterprise
from tests.support.pages import form_with
from tests.support.published import internet

URL = "https://client.example/oauth/client.json"
PATH = "/oauth/client.json"


def error_of(answer):
    return answer.status_code, answer.json()["error"]


@pytest.fixture
def delegation(scene):
    return make_delegation(scene)


@pytest.fixture
def world(monkeypatch):
    with internet(monkeypatch) as reachable:
        yield reachable


@pytest.fixture
def nonces(override_config):
    """Proofs without a nonce of ours are refused."""
    override_config(dpop={"require_nonce": True})


def send_once(client, form):
    """One request with a fresh proof, and not the retry that the driver would make by itself."""
    proof = client.dpop.proof(f"{client.issuer}/oauth/token")
    credentials, basic = client.client_authentication()
    headers = {"Accept": "application/json", "DPoP": proof}
    if basic:
        headers["Authorization"] = basic
    answer = client.http.post("/oauth/token", data=credentials | form, headers=headers)
    if given := answer.headers.get("dpop-nonce"):
        client.dpop.nonce = given
    return answer


@pytest.mark.usefixtures("nonces")
def test_g1_a_nonce_challenge_does_not_spend_the_refresh_token(scene):
    scene.client.dpop = DPoPKey()
    tokens = scene.tokens()
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    scene.client.dpop.nonce = None

    challenged = send_once(scene.client, form)
    assert error_of(challenged) == (400, "use_dpop_nonce")
    retried = send_once(scene.client, form)

    assert retried.status_code == 200, retried.text
    assert scene.is_active(tokens["access_token"]), "the family lives"


@pytest.mark.usefixtures("nonces")
def test_g2_a_nonce_challenge_does_not_spend_the_code(scene):
    scene.client.dpop = DPoPKey()
    issued = scene.authorize()
    form = {
        "grant_type": "authorization_code",
        "code": issued.code,
        "redirect_uri": issued.redirect_uri,
        "code_verifier": issued.verifier,
    }
    with nothing_changes():
        assert error_of(send_once(scene.client, form)) == (400, "use_dpop_nonce")

    assert send_once(scene.client, form).status_code == 200


def test_g3_the_consent_url_leads_to_a_page_that_helps(delegation):
    token = delegation.subject_token()
    refused = delegation.exchange(token, scope="read")
    assert error_of(refused) == (400, "consent_required")

    browser = delegation.agent
    page = browser.http.get(refused.json()["consent_url"], headers={"Accept": "text/html"})
    while page.is_redirect:
        page = browser.http.get(str(page.url.join(page.headers["location"])))
    assert page.status_code == 200
    form = form_with(page.text, url=str(page.url), field_name="request")
    browser.post_form(form.action, form.submission(button=("action", "allow")), page=page)

    assert delegation.exchange(token, scope="read").status_code == 200


def test_g4_a_stolen_refresh_token_of_a_public_client_is_worthless_without_its_key(scene):
    scene.client.dpop = DPoPKey()
    refresh_token = scene.tokens()["refresh_token"]
    owner = scene.client.dpop

    for stolen_by in (None, DPoPKey()):
        scene.client.dpop = stolen_by
        with nothing_changes():
            assert scene.client.refresh(refresh_token).status_code == 400
    scene.client.dpop = owner
    assert scene.client.refresh(refresh_token).status_code == 200


def test_g5_a_code_can_be_promised_to_a_key(scene):
    key = DPoPKey()
    issued = scene.client.authorize(scene.person, dpop_jkt=key.jkt)

    for interceptor in (None, DPoPKey()):
        scene.client.dpop = interceptor
        with nothing_changes():
            assert scene.client.redeem(issued).status_code == 400
    scene.client.dpop = key
    assert scene.client.redeem(issued).json()["token_type"] == "DPoP"


def test_g6_a_bound_token_is_not_exchanged_away_from_its_key(delegation, override_config):
    override_config(exchange={"allow_self_exchange": True})
    machine = delegation.another_exchanger(scope="read")
    delegation.policy(delegation.back)
    machine.dpop = DPoPKey()
    stolen = machine.client_credentials(scope="read").json()["access_token"]

    for thief in (None, DPoPKey()):
        machine.dpop = thief
        with nothing_changes():
            refused = machine.exchange(stolen, resource=delegation.back.uri)
        assert error_of(refused) == (400, "invalid_grant")


def test_g7_an_exchanged_token_never_outlives_its_subject_token(frozen_clock, delegation):
    delegation.consent("read", "write")
    subject = delegation.subject_token()
    frozen_clock.shift(600)

    exchanged = delegation.exchanged(subject, scope="read")

    end = delegation.claims(subject)["exp"]
    assert delegation.claims(exchanged["access_token"])["exp"] == end
    assert exchanged["expires_in"] == 300


def test_g8_a_token_that_is_bound_is_called_so(scene):
    scene.machine.dpop = DPoPKey()

    answer = scene.machine.client_credentials().json()

    assert answer["token_type"] == "DPoP"
    assert scene.client.claims(answer["access_token"])["cnf"] == {"jkt": scene.machine.dpop.jkt}


def test_g9_a_lost_refresh_answer_comes_again(scene):
    tokens = scene.tokens()

    first, second = (scene.client.refresh(tokens["refresh_token"]) for _ in range(2))

    assert first.content == second.content
    assert scene.is_active(first.json()["access_token"])


def test_g9_a_spent_token_that_has_expired_is_still_recognised(frozen_clock, scene):
    tokens = scene.tokens()
    newest = scene.client.refresh(tokens["refresh_token"]).json()
    for _ in range(2):
        frozen_clock.shift(timedelta(days=6))
        newest = scene.client.refresh(newest["refresh_token"]).json()

    assert error_of(scene.client.refresh(tokens["refresh_token"])) == (400, "invalid_grant")
    assert not scene.is_active(newest["access_token"]), "the replay ended the family"


def test_g9_a_family_has_an_end(frozen_clock, scene):
    newest = scene.tokens()
    for _ in range(15):
        frozen_clock.shift(timedelta(days=6))
        answer = scene.client.refresh(newest["refresh_token"])
        if answer.status_code != 200:
            break
        newest = answer.json()
    frozen_clock.shift(timedelta(days=6))

    assert error_of(scene.client.refresh(newest["refresh_token"])) == (400, "invalid_grant")


def test_g10_a_user_who_says_no_returns_to_the_client(scene):
    denied = scene.client.authorize(scene.person, allow=False)

    assert denied.error == "access_denied"
    assert denied.parameters["iss"] == scene.client.issuer
    assert denied.parameters["state"] == denied.sent["state"]


def test_g11_the_access_token_of_a_user_can_be_revoked(scene):
    tokens = scene.tokens()
    refreshed = scene.client.refresh(tokens["refresh_token"]).json()["access_token"]

    for token in (tokens["access_token"], refreshed):
        assert scene.is_active(token)
        assert scene.client.revoke(token).status_code == 200
        assert not scene.is_active(token)


def test_g12_a_metadata_document_is_fetched_again(frozen_clock, scene, world):
    def publish(redirect_uri):
        world.publish(
            PATH,
            {"client_id": URL, "client_name": "A client", "redirect_uris": [redirect_uri]},
        )

    def arrives_at(redirect_uri):
        answer = client.start(redirect_uri=redirect_uri)
        return answer.is_redirect

    client = scene.client.sibling(client_id=URL, resource=scene.resource.uri)
    publish("https://client.example/old")
    assert arrives_at("https://client.example/old")
    publish("https://client.example/new")
    assert not arrives_at("https://client.example/new"), "still fresh"

    frozen_clock.shift(timedelta(days=1, seconds=1))

    assert arrives_at("https://client.example/new")
    assert not arrives_at("https://client.example/old")


def test_g13_an_anonymous_authorization_request_writes_no_row(scene):
    before = table_digests()

    for _ in range(3):
        assert (
            scene.client.sibling(client_id=scene.client.client_id, resource=scene.resource.uri)
            .start()
            .is_redirect
        )

    assert table_digests() == before
    assert sessions() == 0


def sessions():
    from django.contrib.sessions.models import Session

    return Session.objects.count()


def test_g14_a_client_authenticates_by_its_registered_method_alone(scene):
    basic, posting = (
        scene.machine,
        scene.another_machine(token_endpoint_auth_method="client_secret_post", scope="read"),
    )
    form = {"grant_type": "client_credentials"}
    in_body = {"client_id": basic.client_id, "client_secret": basic.client_secret}
    _, header = basic.client_authentication()

    assert error_of(scene.post("/oauth/token", form | in_body)) == (401, "invalid_client")
    posting.auth_method = "client_secret_basic"
    assert error_of(posting.client_credentials()) == (401, "invalid_client")
    both = scene.post("/oauth/token", form | in_body, headers={"Authorization": header})
    assert error_of(both) == (400, "invalid_request")
    bad = scene.post("/oauth/token", form | in_body, headers={"Authorization": "Basic !"})
    assert bad.status_code in {400, 401}


def test_g15_the_default_port_and_the_case_of_a_proof_do_not_matter(scene, override_config):
    scene.machine.dpop = DPoPKey()
    override_config(server={"issuer": "http://localhost"})
    for said in (
        "http://localhost/oauth/token",
        "http://localhost:80/oauth/token",
        "HTTP://LOCALHOST/oauth/token",
    ):
        _, basic = scene.machine.client_authentication()
        answer = scene.client.http.post(
            "http://localhost/oauth/token",
            data={"grant_type": "client_credentials", "resource": scene.resource.uri},
            headers={
                "Authorization": basic,
                "DPoP": scene.machine.dpop.proof(said),
                "Accept": "application/json",
            },
        )
        assert answer.status_code == 200, (said, answer.text)


def test_g16_nobody_else_can_burn_a_code(scene):
    issued = scene.machine.authorize(scene.person)
    stranger = scene.another_machine()
    wrong = scene.machine.client_secret
    for attempt in (
        lambda: stranger.redeem(issued),
        lambda: scene.machine.redeem(issued, code_verifier="x" * 43),
        lambda: scene.machine.redeem(issued, redirect_uri="https://other.example/cb"),
        lambda: scene.post("/oauth/token", {"grant_type": "authorization_code",
                                            "code": issued.code}),
    ):  # fmt: skip
        with nothing_changes():
            assert attempt().status_code in {400, 401}
    scene.machine.client_secret = "wrong"
    with nothing_changes():
        assert scene.machine.redeem(issued).status_code == 401
    scene.machine.client_secret = wrong

    assert scene.machine.redeem(issued).status_code == 200


@pytest.mark.usefixtures("nonces")
def test_g17_a_browser_can_read_the_challenge(scene):
    scene.client.dpop = DPoPKey()
    answer = scene.client.http.post(
        "/oauth/token",
        data={
            "grant_type": "refresh_token",
            "refresh_token": "x",
            "client_id": scene.client.client_id,
        },
        headers={
            "Origin": "https://app.example",
            "DPoP": scene.client.dpop.proof(f"{scene.client.issuer}/oauth/token"),
        },
    )

    assert answer.headers["access-control-allow-origin"] == "*"
    exposed = answer.headers["access-control-expose-headers"]
    assert {"DPoP-Nonce", "WWW-Authenticate", "Retry-After"} <= set(exposed.split(", "))
    assert answer.headers["dpop-nonce"]


def test_g18_error_codes_are_those_of_the_specifications(scene, delegation):
    def asked(**overrides):
        return error_at_the_client(scene.client.start(**overrides))

    assert asked(code_challenge=None) == "invalid_request"
    assert asked(response_type="token") == "unsupported_response_type"
    gateway = delegation.gateway
    assert error_of(gateway.exchange(None)) == (400, "invalid_request")
    assert error_of(gateway.exchange("x", subject_token_type="urn:x")) == (400, "invalid_request")
    unknown = delegation.exchange(resource="https://unknown.example.com")
    assert error_of(unknown) == (400, "invalid_target")
    assert error_of(scene.machine.client_credentials(resource="unknown")) == (400, "invalid_target")


def error_at_the_client(answer):
    return parse_qs(urlsplit(answer.headers["location"]).query)["error"][0]


def test_g19_errors_are_json_to_who_wants_json_and_are_never_stored(scene):
    answer = scene.machine.client_credentials(scope="unknown")

    assert answer.headers["content-type"] == "application/json"
    assert "no-store" in answer.headers["cache-control"]
    assert "no-store" in scene.machine.client_credentials().headers["cache-control"]


def test_g20_an_identity_assertion_is_read_as_its_issuers_write_it(scene, world):
    ema = enterprise(scene, world)

    assert ema.redeem(ema.assertion(aud=[scene.client.issuer])).status_code == 200
    assert ema.redeem(ema.assertion(headers={"typ": "OAuth-ID-JAG+JWT"})).status_code == 200

    dark = enterprise(scene, world)
    world.publish(dark.idp.path, {}, status=503)
    away = dark.redeem()
    assert error_of(away) == (503, "temporarily_unavailable")
    assert int(away.headers["retry-after"]) > 0


def test_g21_any_covering_scope_of_the_source_will_do(delegation):
    delegation.link(admin=["read"], write=["read"], read=["write"])
    token = delegation.subject_token(scope="write")

    answer = delegation.exchanged(token, scope="read")

    assert answer["scope"] == "read", "`admin` comes first in the alphabet, and was not held"


def test_g22_the_client_of_a_fronted_token_is_a_client(delegation):
    delegation.link(read=["read"])

    token = delegation.exchanged(scope="read")["access_token"]

    claims = delegation.claims(token)
    assert claims["client_id"] == delegation.gateway.client_id
    assert claims["act"]["sub"] == delegation.front.slug
    assert ledger_row(claims).application_id == row(delegation.gateway).pk


def ledger_row(claims):
    from oauth.models import AccessToken

    return AccessToken.objects.get(pk=uuid.UUID(claims["jti"]))


def test_g23_registration_has_a_limit_of_its_own(oauth, override_config):
    override_config(
        rate_limit={"enabled": True, "rps": 1000, "burst": 1000},
        dcr={"rate_limit": 1, "rate_limit_burst": 3},
    )

    statuses = [oauth.sibling().register().status_code for _ in range(6)]

    assert statuses[0] == 201
    assert statuses[-1] == 429
    assert oauth.http.get("/.well-known/jwks.json").status_code == 200


def test_g24_discovery_is_at_every_place_a_client_looks(oauth, override_config):
    override_config(server={"issuer": "http://localhost:9000/tenants/north"})

    found = [
        oauth.http.get(place)
        for place in (
            "/.well-known/oauth-authorization-server/tenants/north",
            "/.well-known/openid-configuration/tenants/north",
            "/tenants/north/.well-known/openid-configuration",
        )
    ]

    assert {answer.status_code for answer in found} == {200}
    assert len({answer.content for answer in found}) == 1
    required = {
        "issuer",
        "authorization_endpoint",
        "token_endpoint",
        "jwks_uri",
        "response_types_supported",
    }
    assert required <= set(found[0].json())


def test_g25_no_repeated_resource_is_dropped_in_silence(scene, delegation):
    delegation.consent("read")
    other = delegation.front.uri
    several = [delegation.back.uri, other]

    refused = scene.machine.client_credentials(resource=several)
    assert error_of(refused) == (400, "invalid_target")
    assert error_of(delegation.exchange(resource=several)) == (400, "invalid_target")
    assert error_of(delegation.exchange(audience=other)) == (400, "invalid_target")
    same = [delegation.back.uri, delegation.back.slug, delegation.back.uri + "/"]
    assert delegation.exchange(resource=same, scope="read").status_code == 200


def test_g26_the_actor_is_who_the_actor_token_says(delegation):
    delegation.consent("read")
    actor = delegation.another_exchanger(scope="read", is_agent=True)
    actor_token = actor.client_credentials(resource=delegation.front.uri).json()["access_token"]

    token = delegation.exchanged(
        scope="read",
        actor_token=actor_token,
        actor_token_type="urn:ietf:params:oauth:token-type:access_token",
    )["access_token"]

    assert delegation.claims(token)["act"]["sub"] == actor.client_id


def test_g27_a_code_does_not_outlive_the_consent_it_came_from(scene):
    issued = scene.authorize()
    page = scene.client.http.get("/account")
    form = form_with(page.text, url=str(page.url), field_name="consent")
    assert scene.client.post_form(form.action, form.submission(), page=page).status_code == 303

    assert error_of(scene.client.redeem(issued)) == (400, "invalid_grant")


def test_g28_allowing_more_takes_nothing_back(scene):
    from oauth.models import ConsentGrant

    scene.tokens(scope="read")
    scene.tokens(scope="write")

    assert ConsentGrant.objects.get().scopes == ["read", "write"]


def test_g29_a_client_id_that_exists_looks_like_one_that_does_not(scene):
    from tests.support.queries import CaptureQueriesContext

    known, unknown = scene.another_machine(), scene.another_machine()
    known.client_secret = unknown.client_secret = "wrong-secret-of-some-length"
    unknown.client_id = "a-client-nobody-registered"

    seen = {}
    for client in (known, unknown):
        with CaptureQueriesContext(connection()) as statements:
            answer = client.introspect("token")
        seen[client.client_id] = (answer.status_code, answer.content, len(statements))

    assert len(set(seen.values())) == 1, seen


def connection():
    from django.db import connection

    return connection
