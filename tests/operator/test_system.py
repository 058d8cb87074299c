"""`/admin/stats`, `/admin/system/...` and `/admin/auth/verify`."""

from __future__ import annotations

import tomllib
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import DatabaseError, connection

import authplane
from admin_api import system
from audit.models import AuditEvent
from authplane.accounts.models import User
from authplane.core import clock, counting
from authplane.core.config import config, override_config
from authplane.core.ids import first_uuid7_at
from authplane.core.program import as_go_duration, spelled
from broker.models import Connection
from oauth.keys.record import KeyUnavailable
from oauth.models import AccessToken, Client
from tests.support.factories import make_client, make_user
from tests.support.lineage import issue

CEILING = "oauth-default-client-scope-required-v0.3.0"


@pytest.fixture(autouse=True)
def _count_anew(db):
    system.drop()


def test_the_version_is_that_of_the_package():
    packaged = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))

    assert packaged["project"]["version"] == authplane.__version__


def test_figures_of_an_empty_server(operator):
    assert operator.get("/admin/stats").json() == {
        "clients": 0, "users": 0, "active_tokens_24h": 0, "revoked_tokens": 0,
        "connections": 0, "estimated": [],
    }  # fmt: skip


def test_figures_count_what_their_names_say(operator, scene):
    machine = Client.objects.get(client_id=scene.machine.client_id)
    made = [issue(machine, resource=scene.resource.uri) for _ in range(4)]
    AccessToken.objects.filter(pk=made[0].jti).update(revoked_at=clock.now())
    AccessToken.objects.filter(pk=made[1].jti).update(
        id=first_uuid7_at(clock.now() - timedelta(hours=25))
    )
    make_client(issuer="/api/v1/oauth-proxy/1")

    body = operator.get("/admin/stats").json()

    assert body["clients"] == Client.objects.count() - 1
    assert (body["users"], body["active_tokens_24h"], body["revoked_tokens"]) == (1, 2, 1)
    assert body["connections"] == Connection.objects.count()


def test_figures_are_counted_once_in_five_seconds(operator):
    before = operator.get("/admin/stats").json()
    make_user()

    assert operator.get("/admin/stats").json() == before
    system.drop()
    assert operator.get("/admin/stats").json()["users"] == before["users"] + 1


def test_large_tables_are_estimated(operator, monkeypatch):
    for _ in range(3):
        make_user()
    monkeypatch.setattr(counting.counted, "__kwdefaults__", {"limit": 2})

    body = operator.get("/admin/stats").json()

    on_postgres = connection.vendor == "postgresql"
    assert body["estimated"] == (["users"] if on_postgres else [])
    assert body["users"] >= (2 if on_postgres else 3)


def test_of_a_busy_day_the_newest_tokens_stand_for_all(operator, scene, monkeypatch):
    machine = Client.objects.get(client_id=scene.machine.client_id)
    made = [issue(machine, resource=scene.resource.uri) for _ in range(4)]
    AccessToken.objects.filter(pk=made[3].jti).update(revoked_at=clock.now())
    monkeypatch.setattr(system, "NEWEST", 2)
    monkeypatch.setattr(system, "estimated", lambda rows: 100)

    body = operator.get("/admin/stats").json()

    assert (body["active_tokens_24h"], body["revoked_tokens"]) == (50, 50)
    assert body["estimated"] == ["active_tokens_24h", "revoked_tokens"]


def test_an_estimate_costs_no_count_on_postgresql(db):
    make_user()

    assert counting.estimated(User.objects.all()) >= 1


def test_the_state_of_a_healthy_server(operator):
    with override_config(secrets={"data": "ab" * 32}, storage={"redis_url": ""}):
        body = operator.get("/admin/system/status").json()

    assert body["version"] == authplane.__version__
    assert body["uptime"] == spelled(body["uptime_secs"])
    assert body["subsystems"] == [
        {"name": "storage", "status": "healthy", "driver": connection.vendor},
        {"name": "signing", "status": "healthy", "driver": "database"},
        {"name": "encryption", "status": "healthy", "driver": "aes_master"},
        {"name": "shared_state", "status": "not_configured"},
    ]


def test_what_fails_is_named_and_the_answer_is_still_200(operator, monkeypatch):
    def no_key():
        raise KeyUnavailable("the reason, with a path")

    monkeypatch.setattr(system, "require_usable_key", no_key)
    with override_config(secrets={"data": ""}, storage={"redis_url": "redis://127.0.0.1:1/0"}):
        answer = operator.get("/admin/system/status")

    states = {part["name"]: part["status"] for part in answer.json()["subsystems"]}
    assert answer.status_code == 200
    assert states == {
        "storage": "healthy", "signing": "unhealthy", "encryption": "not_configured",
        "shared_state": "unhealthy",
    }  # fmt: skip
    assert "the reason" not in answer.content.decode()


def test_a_database_that_does_not_answer_is_unhealthy(monkeypatch):
    def away():
        raise DatabaseError

    with monkeypatch.context() as patched:
        patched.setattr(system.connection, "cursor", away)
        assert system._storage()["status"] == "unhealthy"


def test_the_configuration_in_force_without_a_secret(operator):
    with override_config(secrets={"data": "ab" * 32}):
        answer = operator.get("/admin/system/config")
        known = config()

    body = answer.json()
    notices = body.pop("notices")
    assert body == {
        "issuer": known.server.issuer,
        "storage": {"driver": connection.vendor},
        "signing": {"algorithm": "ES256", "key_store": "database"},
        "encryption": {"driver": "aes_master"},
        "dcr": {"mode": "open"},
        "rate_limit": {"enabled": known.rate_limit.enabled},
        "client_credentials": {"enabled": True},
        "dpop": {"enabled": True, "nonce_ttl": "1m0s", "require_nonce": False},
        "token_exchange": {"enabled": True, "max_chain_depth": 5},
        "xaa": {"enabled": True},
        "agents": {"enabled": True, "jwks_listing": False},
        "oidc": {"enabled": False},
    }
    assert [(notice["id"], notice["severity"]) for notice in notices] == [(CEILING, "warning")]
    for secret in (known.admin.api_key, known.secrets.session, "ab" * 32):
        assert not secret or secret not in answer.content.decode()


def test_what_is_switched_off_has_no_details(operator):
    with override_config(features={"dpop": False, "token_exchange": False}):
        body = operator.get("/admin/system/config").json()

    assert body["dpop"] == {"enabled": False, "require_nonce": False}
    assert body["token_exchange"] == {"enabled": False}


def test_the_notice_follows_the_mode_that_operators_chose(operator):
    assert operator.patch("/admin/settings/dcr", {"mode": "admin_only"}).status_code == 200
    body = operator.get("/admin/system/config").json()
    assert (body["dcr"], body["notices"]) == ({"mode": "admin_only"}, [])
    with override_config(oauth={"default_client_scope": "read"}, dcr={"mode": "open"}):
        assert operator.get("/admin/system/config").json()["notices"] == []


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0s"), (59, "59s"), (60, "1m 0s"), (3605, "1h 0m 5s"), (93784, "1d 2h 3m 4s")],
)
def test_uptime_is_spelled_for_people(seconds, words):
    assert spelled(seconds) == words


@pytest.mark.parametrize(("seconds", "text"), [(30, "30s"), (60, "1m0s"), (3605, "1h0m5s")])
def test_durations_are_spelled_as_callers_parse_them(seconds, text):
    assert as_go_duration(seconds) == text


@pytest.mark.shows("audit event", "admin.ui.login")
def test_a_good_key_is_verified_and_recorded(operator):
    answer = operator.post("/admin/auth/verify")

    assert (answer.status_code, answer.json()) == (
        200, {"valid": True, "version": authplane.__version__},
    )  # fmt: skip
    row = AuditEvent.objects.get(action="admin.ui.login")
    assert (row.actor_id, row.detail) == ("admin", {})


@pytest.mark.parametrize("key", [None, "wrong"])
def test_a_wrong_key_is_not(operator, key):
    answer = operator.post("/admin/auth/verify", key=key)

    assert (answer.status_code, answer.json()["error"]) == (401, "unauthorized")
    assert not AuditEvent.objects.filter(action="admin.ui.login").exists()
