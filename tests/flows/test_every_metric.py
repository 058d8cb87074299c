"""Every metric of this server is changed by a request, as `/metrics` tells it."""

from __future__ import annotations

import pytest
from django.db import DatabaseError

from audit.models import AuditEvent
from tests.operator.conftest import OperatorAtTheApi
from tests.support.factories import make_client
from tests.support.figures import Changes, figures


@pytest.fixture
def operator():
    return OperatorAtTheApi()


@pytest.mark.shows(
    "metric", "authserver_tokens_issued_total", "authserver_token_issuance_duration_seconds"
)
def test_a_redeemed_code_is_a_token_issued(scene):
    authorization = scene.authorize()

    with (
        Changes("authserver_tokens_issued_total", 'grant_type="authorization_code"') as issued,
        Changes("authserver_token_issuance_duration_seconds_count") as timed,
    ):
        scene.client.redeem(authorization)

    assert (1, 1) == (issued.by, timed.by)


@pytest.mark.shows("metric", "authserver_tokens_refreshed_total")
def test_a_refresh(scene):
    tokens = scene.tokens()

    with (
        Changes("authserver_tokens_refreshed_total") as refreshed,
        Changes("authserver_tokens_issued_total", 'grant_type="refresh_token"') as issued,
    ):
        scene.client.refresh(tokens["refresh_token"])

    assert (1, 1) == (refreshed.by, issued.by)


@pytest.mark.shows(
    "metric",
    "authplane_client_credentials_issued_total",
    "authserver_db_operation_duration_seconds",
)
def test_a_machine_token(scene):
    with (
        Changes("authplane_client_credentials_issued_total") as issued,
        Changes("authserver_tokens_issued_total", 'grant_type="client_credentials"') as all_issued,
        Changes("authserver_db_operation_duration_seconds_count", 'op="record_access"') as timed,
    ):
        scene.machine_token()

    assert (1, 1, 1) == (issued.by, all_issued.by, timed.by)


@pytest.mark.shows("metric", "authplane_client_credentials_denied_total")
def test_a_refused_machine(scene):
    with Changes(
        "authplane_client_credentials_denied_total", 'reason="scope_beyond_ceiling"'
    ) as denied:
        answer = scene.machine.client_credentials(scope="delete")

    assert (400, 1) == (answer.status_code, denied.by)


@pytest.mark.shows("metric", "authplane_agent_tokens_issued_total")
def test_a_token_of_an_agent(scene):
    agent = scene.another_machine(is_agent=True, scope="read")

    with Changes("authplane_agent_tokens_issued_total") as of_agents:
        assert 200 == agent.client_credentials().status_code
        assert 200 == scene.machine.client_credentials().status_code

    assert 1 == of_agents.by


@pytest.mark.shows("metric", "authserver_tokens_revoked_total")
@pytest.mark.parametrize(
    ("kind", "reason"), [("machine", "explicit_machine"), ("user", "explicit")]
)
def test_a_revoked_token(scene, kind, reason):
    client = scene.machine if kind == "machine" else scene.client
    token = scene.machine_token() if kind == "machine" else scene.tokens()["access_token"]

    with Changes("authserver_tokens_revoked_total", f'reason="{reason}"') as revoked:
        client.revoke(token)
        client.revoke(token)

    assert 1 == revoked.by


@pytest.mark.shows("metric", "authserver_auth_code_reuse_total")
def test_a_replayed_code(scene):
    authorization = scene.authorize()
    scene.client.redeem(authorization)

    with (
        Changes("authserver_auth_code_reuse_total", 'verifier="valid"') as reused,
        Changes("authserver_tokens_revoked_total", 'reason="code_reuse"') as revoked,
    ):
        scene.client.redeem(authorization)

    assert (1, 1) == (reused.by, revoked.by)


@pytest.mark.shows(
    "metric", "authserver_refresh_token_reuse_total", "oauth_token_family_revocations_total"
)
def test_a_replayed_refresh_token(scene, override_config):
    override_config(tokens={"refresh_replay_window": 0})
    tokens = scene.tokens()
    scene.client.refresh(tokens["refresh_token"])

    with (
        Changes("authserver_refresh_token_reuse_total") as reused,
        Changes("authserver_tokens_revoked_total", 'reason="family_revocation"') as revoked,
        Changes("oauth_token_family_revocations_total", 'reason="reuse_detection"') as families,
    ):
        scene.client.refresh(tokens["refresh_token"])
        scene.client.refresh(tokens["refresh_token"])

    assert (1, 1, 1) == (reused.by, revoked.by, families.by)


@pytest.mark.shows("metric", "authserver_revocation_failures_total")
@pytest.mark.shows("audit event", "family.revocation_failed")
@pytest.mark.parametrize(("grant", "path"), [("code", "code_reuse"), ("refresh", "reuse")])
def test_a_replay_whose_family_cannot_be_ended(scene, override_config, monkeypatch, grant, path):
    from oauth.tokens import families

    def down(*args, **kwargs):
        raise DatabaseError

    override_config(tokens={"refresh_replay_window": 0})
    authorization = scene.authorize()
    tokens = scene.client.redeem(authorization).json()
    if grant == "refresh":
        scene.client.refresh(tokens["refresh_token"])
    monkeypatch.setattr(families, "_revoke", down)

    with Changes(
        "authserver_revocation_failures_total", f'half="family",path="{path}"'
    ) as failures:
        answer = (
            scene.client.redeem(authorization)
            if grant == "code"
            else scene.client.refresh(tokens["refresh_token"])
        )

    assert (500, "server_error", 1) == (answer.status_code, answer.json()["error"], failures.by)
    told = AuditEvent.objects.get(action="family.revocation_failed").detail
    assert (path, "family") == (told["path"], told["half"])


@pytest.mark.shows(
    "metric", "authserver_introspection_total", "authserver_introspection_duration_seconds"
)
def test_an_introspection(scene):
    token = scene.machine_token()

    with (
        Changes("authserver_introspection_total", 'active="true"') as active,
        Changes("authserver_introspection_total", 'active="false"') as inactive,
        Changes("authserver_introspection_duration_seconds_count") as timed,
    ):
        scene.watcher.introspect(token)
        scene.watcher.introspect("nothing")

    assert (1, 1, 2) == (active.by, inactive.by, timed.by)


@pytest.mark.shows("metric", "authserver_login_attempts_total")
def test_sign_ins(scene):
    import dataclasses

    with (
        Changes("authserver_login_attempts_total", 'outcome="failure"') as failed,
        Changes("authserver_login_attempts_total", 'outcome="success"') as succeeded,
    ):
        scene.client.sign_in(dataclasses.replace(scene.person, password="wrong"))
        scene.client.sign_in(scene.person)

    assert (1, 1) == (failed.by, succeeded.by)


@pytest.mark.shows(
    "metric", "authserver_consent_decisions_total", "authserver_auth_flow_duration_seconds"
)
@pytest.mark.parametrize(("allow", "decision"), [(True, "granted"), (False, "denied")])
def test_decisions(scene, allow, decision):
    with (
        Changes("authserver_consent_decisions_total", f'decision="{decision}"') as decided,
        Changes("authserver_auth_flow_duration_seconds_count") as timed,
    ):
        scene.authorize(allow=allow)

    assert (1, 1) == (decided.by, timed.by)


@pytest.mark.shows("metric", "authserver_auth_denied_total")
def test_a_refused_token_request(scene):
    with Changes("authserver_auth_denied_total", 'reason="code_unknown"') as denied:
        scene.client.token(
            grant_type="authorization_code", code="x", redirect_uri="http://127.0.0.1/callback",
            code_verifier="v" * 43,
        )  # fmt: skip

    assert 1 == denied.by


@pytest.mark.shows("metric", "authserver_clients_registered_total")
def test_a_registration(oauth):
    with Changes("authserver_clients_registered_total", 'source="dcr"') as registered:
        assert 201 == oauth.register().status_code

    assert 1 == registered.by


@pytest.mark.shows("metric", "authserver_active_clients")
def test_the_number_of_active_clients(operator, scene):
    client = make_client()

    with Changes("authserver_active_clients") as suspended:
        operator.call("PATCH", f"/admin/clients/{client.client_id}/suspend")
    with Changes("authserver_active_clients") as reactivated:
        operator.call("PATCH", f"/admin/clients/{client.client_id}/reactivate")

    assert (-1, 1) == (suspended.by, reactivated.by)


@pytest.mark.shows("metric", "authserver_active_token_families")
def test_the_number_of_families(scene):
    authorization = scene.authorize()

    with Changes("authserver_active_token_families") as begun:
        tokens = scene.client.redeem(authorization).json()
    with Changes("authserver_active_token_families") as ended:
        scene.client.revoke(tokens["refresh_token"])

    assert (1, -1) == (begun.by, ended.by)


@pytest.mark.shows("metric", "authserver_active_clients", "authserver_active_token_families")
def test_gauges_say_nothing_while_the_database_is_away(db, monkeypatch):
    from math import isnan

    from oauth.models import Client, TokenFamily

    def away(*args, **kwargs):
        raise DatabaseError

    for model in (Client, TokenFamily):
        monkeypatch.setattr(model.objects, "filter", away)

    read = figures()
    assert isnan(read["authserver_active_clients", ""])
    assert isnan(read["authserver_active_token_families", ""])
    assert ("authserver_tokens_refreshed_total", "") in read


@pytest.mark.shows(
    "metric", "authserver_key_rotation_total", "authserver_key_reload_duration_seconds"
)
def test_a_rotation_by_command(scene, capsys):
    from django.core.management import call_command

    scene.machine_token()

    with (
        Changes("authserver_key_rotation_total") as rotated,
        Changes("authserver_key_reload_duration_seconds_count") as reloaded,
    ):
        call_command("rotate_keys", "--immediate")
        scene.machine_token()

    assert 1 == rotated.by
    assert reloaded.by >= 1
