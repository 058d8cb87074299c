"""Security fixes that the releases of a server with this interface tell of: none is missing here.

One test for each, named by the release that fixed it.
"""

from __future__ import annotations

import logging
import uuid

import pytest

from tests.support import forged
from tests.support.digests import nothing_changes
from tests.support.dpop import DPoPKey
from tests.support.exchanging import make_delegation
from tests.support.factories import make_resource, make_user, person
from tests.support.idp import enterprise
from tests.support.pages import form_with
from tests.support.published import internet
from tests.support.scene import change_client


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
def ema(scene, world):
    return enterprise(scene, world)


# --- 0.2.2 ----------------------------------------------------------------------------------------


def test_s_0_2_2_a_link_is_not_open_to_every_client_that_may_exchange(delegation):
    delegation.link(read=["read"])
    anybody = delegation.another_exchanger()
    token = delegation.subject_token()

    with nothing_changes():
        refused = anybody.exchange(token, resource=delegation.back.uri, scope="read")

    assert error_of(refused) == (403, "access_denied")
    assert delegation.exchange(token, scope="read").status_code == 200


def test_s_0_2_2_an_omitted_scope_is_neither_none_nor_all(delegation):
    """Directly and over a link: what was allowed, never more and never an empty token."""
    delegation.consent("read")
    assert delegation.exchanged()["scope"] == "read"

    delegation.link(write=["write"])
    narrow = delegation.subject_token(scope="read")
    with nothing_changes():
        assert error_of(delegation.exchange(narrow)) == (400, "invalid_scope")
    assert delegation.exchanged()["scope"] == "write"


def test_s_0_2_2_a_machine_gets_no_scope_that_the_resource_does_not_have(scene):
    machine = scene.another_machine(scope="read invented")

    with nothing_changes():
        assert error_of(machine.client_credentials(scope="invented")) == (400, "invalid_scope")
    assert machine.client_credentials().json()["scope"] == "read"


def test_s_0_2_2_a_machine_without_a_ceiling_gets_nothing_at_any_resource(scene):
    machine = scene.another_machine(scope="")

    for wanted in (None, "read"):
        with nothing_changes():
            assert error_of(machine.client_credentials(scope=wanted)) == (400, "invalid_scope")


@pytest.mark.parametrize("end", ["disabled", "deleted"])
def test_s_0_2_2_an_identity_assertion_gives_no_token_for_an_account_that_ended(ema, end):
    user = make_user()
    ema.link("ann", user)
    assert ema.redeem().status_code == 200
    if end == "disabled":
        type(user).objects.filter(pk=user.pk).update(status="disabled")
    else:
        user.delete()

    assert error_of(ema.redeem()) == (400, "invalid_grant")


def test_s_0_2_2_the_token_of_a_disabled_user_is_not_exchanged(delegation):
    delegation.consent("read")
    token = delegation.subject_token()
    type(delegation.user).objects.update(status="disabled")

    with nothing_changes():
        refused = delegation.exchange(token, scope="read")
    assert error_of(refused) == (400, "invalid_grant")


def test_s_0_2_2_a_client_without_a_ceiling_does_not_get_what_the_policy_allows_at_most(ema):
    change_client(ema.client, scope="")

    with nothing_changes():
        assert error_of(ema.redeem(ema.assertion(scope="read write"))) == (400, "invalid_scope")


def test_s_0_2_2_a_client_without_the_grant_gets_no_refresh_token(scene):
    client = scene.another_client(grant_types=["authorization_code"])

    assert "refresh_token" not in client.tokens(scene.person)
    change_client(scene.client, grant_types=["authorization_code"])
    assert "refresh_token" not in scene.tokens()


def test_s_0_2_2_a_value_that_was_not_filled_in_stops_the_start(tmp_path):
    from authplane.core.loading import ConfigurationError, load

    file = tmp_path / "config.yaml"
    file.write_text("client_secret_pepper: ${PEPPER}\n")

    with pytest.raises(ConfigurationError) as refused:
        load({"AUTHPLANE_CONFIG": str(file)})
    assert any("${" in problem for problem in refused.value.problems)


def test_s_0_2_2_no_log_line_holds_an_address(scene, caplog):
    caplog.set_level(logging.INFO)
    tokens = scene.machine.tokens(scene.person)
    scene.machine.introspect(tokens["access_token"])
    scene.machine.http.cookies.clear()
    page = scene.machine.http.get("/login")
    form = form_with(page.text, url=str(page.url), field_name="password")
    scene.machine.post_form(
        form.action, form.submission(email=scene.user.email, password="wrong"), page=page
    )

    assert caplog.records
    for record in caplog.records:
        assert scene.user.email not in f"{record.getMessage()} {record.__dict__}"


# --- 0.2.1 ----------------------------------------------------------------------------------------


def test_s_0_2_1_taking_consent_back_reaches_everything_that_was_exchanged(delegation):
    scene = delegation.scene
    consent = delegation.consent("read")
    first = delegation.subject_token()
    second = delegation.exchanged(first, scope="read")["access_token"]
    assert scene.is_active(second)

    delegation.agent.http.get("/account")
    page = delegation.agent.http.get("/account")
    form = form_with(page.text, url=str(page.url), field_name="consent")
    delegation.agent.post_form(form.action, form.submission(consent=str(consent.pk)), page=page)

    assert not scene.is_active(second)
    assert scene.is_active(first), "another consent"
    assert error_of(delegation.exchange(first, scope="read")) == (400, "consent_required")
    assert error_of(scene.client.exchange(second)) == (400, "unauthorized_client")


def test_s_0_2_1_a_revoked_issuance_is_inactive_and_no_subject_token(delegation):
    from authplane.core import clock
    from oauth.tokens.ledger import revoke_access

    delegation.consent("read")
    token = delegation.subject_token()
    revoke_access(jti=uuid.UUID(delegation.claims(token)["jti"]), cause="issuance", now=clock.now())

    assert not delegation.scene.is_active(token)
    assert error_of(delegation.exchange(token, scope="read")) == (400, "invalid_grant")


def test_s_0_2_1_the_ceiling_counts_when_a_code_is_redeemed_and_when_it_is_refreshed(scene):
    tokens = scene.tokens(scope="read write")
    issued, other = (
        scene.client.authorize(scene.person, scope=scope) for scope in ("read write", "write")
    )
    change_client(scene.client, scope="read")

    assert scene.client.redeem(issued).json()["scope"] == "read"
    assert scene.client.refresh(tokens["refresh_token"]).json()["scope"] == "read"
    with nothing_changes():
        assert error_of(scene.client.redeem(other)) == (400, "invalid_scope")


# --- 0.2.0 ----------------------------------------------------------------------------------------


def test_s_0_2_0_the_consent_page_says_where_the_user_will_be_sent(scene):
    uri = "https://evil.example/cb"
    client = scene.another_client(redirect_uris=uri, name="Your Bank")
    page = client.start(redirect_uri=uri)
    while page.is_redirect or 'name="password"' in page.text:
        if page.is_redirect:
            page = client.http.get(str(page.url.join(page.headers["location"])))
        else:
            page = client.submit_sign_in(page, scene.person)

    assert 'name="session_id"' in page.text, "this is the consent page"
    assert "evil.example" in page.text


def test_s_0_2_0_fetching_metadata_documents_is_bounded(scene, world, override_config):
    from oauth.models import Client

    override_config(cimd={"max_bytes": 5_000})
    host = "https://client.example"
    world.publish("/big.json", {"client_id": f"{host}/big.json", "x": "y" * 20_000})

    client = scene.client.sibling(client_id=f"{host}/big.json", resource=scene.resource.uri)
    clients = Client.objects.count()

    assert not client.start().is_redirect
    assert not client.start().is_redirect
    assert Client.objects.count() == clients
    assert world.paths().count("/big.json") == 1, "a failure is remembered"


def test_s_0_2_0_a_nonce_costs_no_row(scene, override_config):
    override_config(dpop={"require_nonce": True})
    key = DPoPKey()
    for _ in range(3):
        with nothing_changes():
            answer = scene.client.http.post(
                "/oauth/token",
                data={
                    "grant_type": "refresh_token",
                    "refresh_token": "x",
                    "client_id": scene.client.client_id,
                },
                headers={
                    "DPoP": key.proof(f"{scene.client.issuer}/oauth/token"),
                    "Accept": "application/json",
                },
            )
        assert answer.headers["dpop-nonce"]


def test_s_0_2_0_the_resource_of_the_token_request_counts(scene):
    other = make_resource()
    issued = scene.machine.authorize(scene.person)

    with nothing_changes():
        refused = scene.machine.redeem(issued, resource=other.uri)
    assert error_of(refused) == (400, "invalid_target")
    token = scene.machine.redeem(issued).json()["access_token"]
    assert scene.client.claims(token)["aud"] == [scene.resource.uri]


def test_s_0_2_0_the_token_of_another_client_is_not_anybodys_to_exchange(delegation):
    delegation.consent("read")
    delegation.policy(delegation.back)
    stranger, token = delegation.another_exchanger(), delegation.subject_token()

    with nothing_changes():
        refused = stranger.exchange(token, resource=delegation.back.uri, scope="read")
    assert error_of(refused) == (403, "access_denied")


@pytest.mark.parametrize("client_id", ["https://client.example", "https://client.example/"])
def test_s_0_2_0_an_origin_alone_is_no_client(scene, world, client_id):
    for path in ("", "/"):
        world.publish(
            path or "/", {"client_id": client_id, "redirect_uris": ["https://c.example/"]}
        )
    client = scene.client.sibling(client_id=client_id, resource=scene.resource.uri)

    with nothing_changes():
        assert not client.start(redirect_uri="https://c.example/").is_redirect
    assert world.paths() == []


# --- 0.1.2 ----------------------------------------------------------------------------------------


def test_s_0_1_2_introspection_answers_only_to_who_may_know(scene):
    stranger = scene.another_machine()
    for token in (scene.machine_token(), scene.tokens()["access_token"]):
        assert stranger.introspect(token).json() == {"active": False}
        assert scene.watcher.introspect(token).json()["active"] is True


def test_s_0_1_2_a_code_that_comes_twice_ends_what_it_gave(scene):
    issued = scene.authorize()
    tokens = scene.client.redeem(issued).json()

    assert error_of(scene.client.redeem(issued)) == (400, "invalid_grant")
    assert not scene.is_active(tokens["access_token"])
    assert error_of(scene.client.refresh(tokens["refresh_token"])) == (400, "invalid_grant")


@pytest.mark.parametrize("missing", ["exp", "iat"])
def test_s_0_1_2_what_has_no_times_does_not_count(scene, ema, missing):
    claims = {
        "aud": [scene.resource.uri],
        "client_id": scene.machine.client_id,
        "jti": str(uuid.uuid4()),
        missing: None,
    }
    assert scene.machine.introspect(forged.signed_by_us(**claims)).json() == {"active": False}
    assert error_of(ema.redeem(ema.assertion(**{missing: None}))) == (400, "invalid_grant")


def test_s_0_1_2_signing_in_needs_the_page_of_this_browser(oauth, db):
    somebody = make_user()
    attacker = oauth.http.get("/login")
    form = form_with(attacker.text, url=str(attacker.url), field_name="password")
    filled = form.submission(email=somebody.email, password=person(somebody).password)
    victim = oauth.sibling()

    answer = victim.post_form(form.action, filled, page=attacker)

    assert answer.status_code == 422
    assert victim.http.get("/account").status_code != 200


def test_s_0_1_2_disabling_a_user_ends_the_browser_session(oauth, db):
    somebody = make_user()
    oauth.sign_in(person(somebody))
    assert oauth.http.get("/account").status_code == 200

    type(somebody).objects.update(status="disabled")

    assert oauth.http.get("/account").status_code != 200


def test_s_0_1_2_the_sign_in_page_does_not_say_who_has_an_account(oauth, db):
    known, off, elsewhere = make_user(), make_user(status="disabled"), make_user()
    elsewhere.set_unusable_password()
    elsewhere.save()

    seen = set()
    for email in (known.email, off.email, elsewhere.email, "nobody@example.com"):
        browser = oauth.sibling()
        page = browser.http.get("/login")
        form = form_with(page.text, url=str(page.url), field_name="password")
        answer = browser.post_form(
            form.action, form.submission(email=email, password="wrong-password"), page=page
        )
        text = answer.text.replace(email, "").replace(form.value("csrf_token"), "")
        seen.add((answer.status_code, len(text)))
    assert len(seen) == 1


@pytest.mark.shows("setting", "oidc.show_local_login")
def test_s_0_1_2_hiding_the_sign_in_form_closes_what_is_behind_it(oauth, db, override_config):
    known = make_user()
    shown = oauth.http.get("/login")
    form = form_with(shown.text, url=str(shown.url), field_name="password")

    override_config(oidc={"show_local_login": False})

    page = oauth.http.get("/login")
    assert 'name="password"' not in page.text
    right = form.submission(email=known.email, password=person(known).password)
    assert oauth.post_form(form.action, right, page=shown).status_code == 404
    assert oauth.http.get("/account").status_code == 303
