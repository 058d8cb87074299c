"""No answer holds a secret that its receiver does not own, and no table a secret in clear."""

from __future__ import annotations

import pytest

from tests.support.refusals import INVALID_CLIENT, assert_refused


@pytest.fixture
def flow(scene):
    """Everything secret that a whole flow produced, by name."""
    authorization = scene.machine.authorize(scene.person)
    first = scene.machine.redeem(authorization).json()
    second = scene.machine.refresh(first["refresh_token"]).json()
    return {
        "password": scene.person.password,
        "client secret": scene.machine.client_secret,
        "code": authorization.code,
        "verifier": authorization.verifier,
        "first access token": first["access_token"],
        "first refresh token": first["refresh_token"],
        "second access token": second["access_token"],
        "second refresh token": second["refresh_token"],
        "machine token": scene.machine_token(),
    }


def test_no_table_holds_a_secret_in_clear(scene, flow):
    from django.apps import apps
    from django.db import connection

    for model in apps.get_models():
        with connection.cursor() as cursor:
            cursor.execute(f'SELECT * FROM "{model._meta.db_table}"')  # noqa: S608
            stored = b"\n".join(
                bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()
                for row in cursor.fetchall()
                for value in row
            )
        for name, secret in flow.items():
            assert secret.encode() not in stored, f"{name} in {model._meta.db_table}"


def test_the_signature_of_no_token_is_stored(scene, flow):
    from oauth.models import AccessToken

    rows = repr(list(AccessToken.objects.values()))
    for name, secret in flow.items():
        if "access" in name or "machine" in name:
            assert secret.rpartition(".")[2] not in rows


def test_no_refusal_repeats_what_was_sent(scene, flow):
    wrong = scene.machine.sibling(
        client_id=scene.machine.client_id,
        client_secret="wrong-secret-that-must-not-come-back",
        auth_method="client_secret_basic",
    )
    answers = [
        scene.machine.refresh(flow["first refresh token"], scope="unknown"),
        scene.machine.token(grant_type="authorization_code", code=flow["code"]),
        scene.machine.token(
            grant_type="authorization_code", code=flow["code"], code_verifier="x" * 43,
            redirect_uri=scene.machine.redirect_uri,
        ),
        scene.client.refresh(flow["second refresh token"]),
        scene.client.userinfo(flow["second access token"]),
        wrong.client_credentials(),
        wrong.introspect(flow["second access token"]),
        wrong.revoke(flow["second access token"]),
    ]  # fmt: skip
    assert_refused(answers[5], INVALID_CLIENT)
    secrets = [*flow.values(), "wrong-secret-that-must-not-come-back"]
    for answer in answers:
        assert answer.status_code >= 400
        for secret in secrets:
            assert secret not in answer.text + repr(answer.headers)


def test_introspection_names_no_secret(scene, flow):
    for name in ("second access token", "second refresh token", "machine token"):
        text = scene.machine.introspect(flow[name]).text
        assert '"active":true' in text
        for secret in flow.values():
            assert secret not in text


def test_representations_of_rows_and_requests_name_no_secret(scene, flow):
    """They end up in tracebacks and debug lines."""
    from django.apps import apps

    from oauth.engine.request import TokenRequest

    request = TokenRequest(
        [("grant_type", "refresh_token"), ("refresh_token", flow["second refresh token"])],
        endpoint="http://localhost:9000/oauth/token",
        authorization=f"Basic {flow['client secret']}",
    )
    shown = [repr(request), str(request)]
    for model in apps.get_app_config("oauth").get_models():
        shown += [f"{row!r} {row}" for row in model._default_manager.all()]
    for secret in flow.values():
        assert not any(secret in text for text in shown)


def test_no_record_of_the_audit_holds_a_secret(scene, flow):
    from audit.models import AuditEvent

    rows = repr(list(AuditEvent.objects.values()))
    assert "token.refreshed" in rows
    for name, secret in flow.items():
        assert secret not in rows, name
    assert scene.user.email not in rows
