"""What requests leave in the record: who, through which client, what; never a credential."""

from __future__ import annotations

import dataclasses
import json

import pytest

from audit.models import AuditEvent
from tests.support.pages import form_with


def latest(action):
    """The newest event of this action: actor, client and detail."""
    row = AuditEvent.objects.filter(action=action).order_by("-id").first()
    assert row is not None, list(AuditEvent.objects.values_list("action", flat=True))
    assert row.request_id
    assert "127.0.0.1" == json.loads(row.personal)["ip"]
    return row.actor_id, row.client_id, row.detail


def count(action):
    return AuditEvent.objects.filter(action=action).count()


def shows_nothing_of(*values):
    text = "".join(
        f"{row.actor_id}{row.client_id}{json.dumps(row.detail)}{row.personal}"
        for row in AuditEvent.objects.all()
    )
    return not [value for value in values if value in text]


@pytest.mark.shows(
    "audit event", "user.login", "consent.granted", "token.issued", "token.refreshed"
)
def test_a_whole_flow(scene):
    user, client_id = str(scene.user.pk), scene.client.client_id
    authorization = scene.authorize()
    tokens = scene.client.redeem(authorization).json()
    issued = latest("token.issued")
    refreshed = scene.client.refresh(tokens["refresh_token"]).json()

    assert (user, "", {}) == latest("user.login")
    actor, client, detail = latest("consent.granted")
    assert (user, client_id, scene.resource.uri, "read") == (
        actor, client, detail["resource"], detail["scopes"],
    )  # fmt: skip
    claims = scene.client.claims(tokens["access_token"])
    assert (user, client_id) == issued[:2]
    assert ("authorization_code", claims["jti"], "read") == (
        issued[2]["grant"], issued[2]["jti"], issued[2]["scopes"],
    )  # fmt: skip
    actor, client, detail = latest("token.refreshed")
    assert (user, client_id, issued[2]["family"]) == (actor, client, detail["family"])
    assert shows_nothing_of(
        scene.user.email, authorization.code, authorization.verifier, tokens["access_token"],
        tokens["refresh_token"], refreshed["access_token"], refreshed["refresh_token"],
    )  # fmt: skip


@pytest.mark.shows("audit event", "consent.denied")
def test_a_denial(scene):
    scene.authorize(allow=False)

    actor, client, detail = latest("consent.denied")
    assert (str(scene.user.pk), scene.client.client_id) == (actor, client)
    assert detail["session"]


@pytest.mark.shows("audit event", "consent.revoked")
def test_consent_that_is_taken_back(scene):
    from oauth.models import ConsentGrant

    access_token = scene.tokens()["access_token"]
    page = scene.client.http.get("/account", headers={"Accept": "text/html"})
    form = form_with(page.text, url=str(page.url), field_name="consent")
    scene.client.post_form(form.action, form.submission(), page=page)

    assert ConsentGrant.objects.get().revoked_at is not None
    assert str(scene.user.pk) == latest("consent.revoked")[0]
    assert not scene.is_active(access_token)


@pytest.mark.shows("audit event", "user.login_failed", "auth.locked_out")
def test_wrong_passwords(scene, override_config):
    override_config(rate_limit={"auth_fail_max": 2})
    wrong = dataclasses.replace(scene.person, password="wrong password")

    scene.client.sign_in(wrong)
    assert (str(scene.user.pk), "", {"reason": "invalid_credentials"}) == latest(
        "user.login_failed"
    )
    scene.client.sign_in(wrong)

    assert 1 == count("auth.locked_out")
    assert "until" in latest("auth.locked_out")[2]
    assert shows_nothing_of("wrong password", scene.user.email)


def test_an_unknown_account_is_not_named(scene):
    scene.client.sign_in(dataclasses.replace(scene.person, email="nobody@example.com"))

    assert ("", "", {"reason": "user_not_found"}) == latest("user.login_failed")
    assert shows_nothing_of("nobody@example.com")


@pytest.mark.shows("audit event", "token.issue_denied")
def test_a_refused_code(scene):
    authorization = scene.authorize()

    scene.client.redeem(authorization, code_verifier="v" * 43)

    assert (
        "",
        scene.client.client_id,
        {"grant": "authorization_code", "reason": "verifier_mismatch"},
    ) == (latest("token.issue_denied"))


@pytest.mark.shows("audit event", "auth_code.reused", "family.revoked")
def test_a_replayed_code(scene):
    authorization = scene.authorize()
    scene.client.redeem(authorization)

    scene.client.redeem(authorization)

    assert "valid" == latest("auth_code.reused")[2]["verifier"]
    actor, client, detail = latest("family.revoked")
    assert (str(scene.user.pk), scene.client.client_id, "code_reuse") == (
        actor, client, detail["cause"],
    )  # fmt: skip


@pytest.mark.shows("audit event", "token.refresh_denied")
def test_a_replayed_refresh_token(scene, override_config):
    override_config(tokens={"refresh_replay_window": 0})
    tokens = scene.tokens()
    scene.client.refresh(tokens["refresh_token"])

    scene.client.refresh(tokens["refresh_token"])

    assert "reuse_detection" == latest("family.revoked")[2]["cause"]
    assert scene.client.client_id == latest("token.refresh_denied")[1]


@pytest.mark.shows("audit event", "client_credentials.issued", "client_credentials.denied")
def test_machines(scene):
    token = scene.machine_token(scope="read")
    machine = scene.machine.client_id

    jti = scene.machine.claims(token)["jti"]
    assert (machine, machine, {"jti": jti, "scopes": "read"}) == latest("client_credentials.issued")
    scene.machine.client_credentials(scope="delete")
    assert machine == latest("client_credentials.denied")[1]
    assert "scope" in latest("client_credentials.denied")[2]["reason"]


@pytest.mark.shows("audit event", "token.introspected", "token.introspect_denied")
def test_introspections(scene):
    token = scene.machine_token()
    jti = scene.machine.claims(token)["jti"]

    scene.watcher.introspect(token)
    stranger = scene.another_machine()
    stranger.introspect(token)

    assert (
        "",
        scene.watcher.client_id,
        {"jti": jti, "issuing_client": scene.machine.client_id},
    ) == (latest("token.introspected"))
    assert stranger.client_id == latest("token.introspect_denied")[1]
    assert "caller_not_authorized_for_token" == latest("token.introspect_denied")[2]["reason"]


@pytest.mark.shows("audit event", "token.revoked")
def test_a_revocation(scene):
    token = scene.machine_token()

    scene.machine.revoke(token)
    scene.machine.revoke(token)

    machine = scene.machine.client_id
    assert (machine, machine, {"jti": scene.machine.claims(token)["jti"]}) == latest(
        "token.revoked"
    )
    assert 1 == count("token.revoked")


@pytest.mark.shows("audit event", "client.registered")
def test_a_registration(oauth):
    oauth.register()

    assert ("", oauth.client_id, {"source": "dcr"}) == latest("client.registered")


@pytest.mark.shows("audit event", "key.rotated")
def test_a_key_rotation(db, capsys):
    from django.core.management import call_command

    call_command("rotate_keys", "--immediate")

    row = AuditEvent.objects.filter(action="key.rotated").order_by("-id").first()
    assert (True, "ES256") == (row.detail["immediate"], row.detail["alg"])
    assert "" == row.personal


def test_unknown_callers_leave_no_rows(scene):
    """Otherwise anybody could fill the table."""
    before = AuditEvent.objects.count()
    nobody = scene.another_client()
    nobody.client_id = "nobody"

    for answer in (
        nobody.client_credentials(),
        nobody.refresh("x"),
        nobody.introspect("x"),
        nobody.token(grant_type="authorization_code", code="x"),
        nobody.http.get("/oauth/authorize?client_id=nobody"),
    ):
        assert answer.status_code >= 400

    assert before == AuditEvent.objects.count()


def test_a_request_id_ties_the_row_to_the_answer(scene):
    answer = scene.machine.client_credentials()

    row = AuditEvent.objects.get(action="client_credentials.issued")
    assert answer.headers["X-Request-Id"] == row.request_id
