"""Connections of users: made and ended by operators, over the API, from shell and seeds."""

from __future__ import annotations

import io
import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from audit.models import AuditEvent
from authplane.accounts import services as accounts
from authplane.core import clock
from broker.connections.credentials import credential_of
from broker.models import Connection
from broker.providers import services as providers
from oauth.models import AccessToken
from tests.support.connecting import make_forge
from tests.support.digests import nothing_changes
from tests.support.factories import make_user
from tests.support.record import recorded
from tests.support.upstream import ALLOWED, make_connection, make_provider, running_upstream

pytestmark = pytest.mark.django_db
PATH = "/admin/connections"
KEY = "pasted-key-4711"
REF = "CONNECTOR_MAPS_KEY"
NOBODY = "0197a000-0000-7000-8000-000000000000"


@pytest.fixture
def user():
    return make_user()


@pytest.fixture
def maps():
    return providers.create_provider(
        {"slug": "maps", "display_name": "Maps", "protocol": "api_key",
         "config_data": {"header_name": "X-Key"}}
    )  # fmt: skip


@pytest.fixture
def robot():
    return providers.create_provider(
        {"slug": "robot", "display_name": "Robot", "protocol": "service_account",
         "config_data": {"token_url": "https://robot.example/token", "sa_email": "sa@x.example",
                         "sa_key_ref": "CONNECTOR_ROBOT_KEY"}}
    )  # fmt: skip


@pytest.fixture
def upstream(override_config):
    override_config(broker=ALLOWED)
    with running_upstream() as world:
        yield world


def for_robot(user, **members):
    return {"user": user.email, "provider": "robot", "impersonate_sub": "jo@x.example"} | members


@pytest.mark.shows("audit event", "broker_grant.revoked_admin")
def test_the_whole_life_of_one(operator, user, robot):
    make_forge(robot)
    answer = operator.post(PATH, for_robot(user))
    made = answer.json()
    assert answer.status_code == 201, made
    assert made | {"created_at": "", "connected_at": "", "updated_at": ""} == {
        "id": made["id"], "user_id": str(user.pk), "provider": "robot",
        "broker_provider_id": str(robot.pk), "server_id": "", "status": "active",
        "scopes_granted": ["read", "repo:write"], "account": "jo@x.example",
        "has_credential": True, "version": 1, "enc_backend": "aes_master",
        "access_expires_at": None, "last_used_at": None, "last_used_by": "", "created_at": "",
        "connected_at": "", "updated_at": "", "revoked_at": None, "revoked_reason": "",
    }  # fmt: skip
    path = f"{PATH}/{made['id']}"
    assert operator.get(path).json() == made
    assert operator.get(f"/admin/grants/broker/{made['id']}").json() == made
    listed = {"total": 1, "next_cursor": None}
    query = f"?user_id={user.pk}&provider=robot&status=active"
    assert operator.get(f"{PATH}{query}").json() == {"connections": [made], **listed}
    assert operator.get("/admin/grants/broker").json() == {"broker_grants": [made], **listed}
    with nothing_changes():
        assert operator.post(PATH, for_robot(user)).status_code == 409

    for _ in range(2):
        assert operator.delete(path).status_code == 204
    ended = operator.get(path).json()
    assert (ended["status"], ended["revoked_reason"], ended["has_credential"]) == (
        "revoked", "operator", False,
    )  # fmt: skip
    assert recorded("broker_grant.revoked_admin") == [
        {"id": made["id"], "user_id": str(user.pk), "broker_provider_id": str(robot.pk)}
    ]
    again = operator.post(PATH, for_robot(user, scopes=["cal"])).json()
    assert (again["id"], again["scopes_granted"], again["revoked_at"]) == (
        made["id"], ["cal"], None,
    )  # fmt: skip


@pytest.mark.parametrize("by", ["api_key", "api_key_ref"])
def test_a_key_is_kept_and_never_shown(operator, user, maps, monkeypatch, by):
    monkeypatch.setenv(REF, KEY)
    body = {"user": str(user.pk), "provider": "maps", by: KEY if by == "api_key" else REF}
    answer = operator.post(PATH, body)
    assert answer.status_code == 201, answer.content
    row = Connection.objects.get()
    assert credential_of(row) == {"api_key": KEY}
    assert KEY not in answer.content.decode() + str(list(AuditEvent.objects.values()))
    assert KEY.encode() not in bytes(row.credential_sealed)


@pytest.mark.parametrize(
    ("change", "texts"),
    [
        ({"user": "nobody@x.example"}, ["user:"]),
        ({"user": 7, "provider": None, "extra": 1}, ["user:", "provider:", "extra:"]),
        ({"provider": "maps"}, ["impersonate_sub:", "api_key:"]),
        ({"impersonate_sub": ""}, ["impersonate_sub:"]),
        ({"impersonate_sub": "a\nb", "scopes": "x"}, ["impersonate_sub:", "scopes:"]),
        ({"scopes": ["a b"]}, ["scopes:"]),
        ({"api_key": "k"}, ["api_key:"]),
        ({"provider": "maps", "api_key": "k", "api_key_ref": REF}, ["only one"]),
        ({"provider": "maps", "api_key_ref": "PATH"}, ["api_key_ref:"]),
        ({"provider": "maps", "api_key_ref": REF}, ["api_key_ref:"]),
    ],
)
@pytest.mark.usefixtures("robot", "maps")
def test_what_is_no_connection_changes_nothing(operator, user, change, texts):
    body = for_robot(user) | change
    if body["provider"] == "maps" and "api_key_ref" in body:
        del body["impersonate_sub"]
    with nothing_changes():
        answer = operator.post(PATH, body)
    assert (400, "invalid_request") == (answer.status_code, answer.json()["error"])
    for text in texts:
        assert text.replace(":", "") in answer.json()["error_description"]


def test_users_connect_accounts_of_oauth_services_themselves(operator, user, upstream):
    slug = make_provider(upstream).slug
    with nothing_changes():
        answer = operator.post(PATH, {"user": str(user.pk), "provider": slug})
    assert answer.status_code == 400


@pytest.mark.parametrize("path", [PATH, "/admin/grants/broker"])
@pytest.mark.parametrize("key", [NOBODY, "x"])
def test_unknown_ones(operator, path, key):
    assert operator.get(f"{path}/{key}").status_code == 404
    assert operator.delete(f"{path}/{key}").status_code == 404


@pytest.mark.parametrize("query", ["status=x", "limit=0", "other=1", "user_id=a&user_id=b"])
def test_bad_filters(operator, query):
    assert operator.get(f"{PATH}?{query}").status_code == 400


def test_without_a_data_key(operator, user, robot, override_config):
    override_config(secrets={"data": ""})
    with nothing_changes():
        answer = operator.post(PATH, for_robot(user))
    assert (answer.status_code, answer.json()["error"]) == (503, "service_unavailable")


def test_the_service_is_told_and_the_ledger_says_so(
    operator, user, upstream, django_capture_on_commit_callbacks
):
    provider = make_provider(upstream)
    forge, connection = make_forge(provider), make_connection(provider, user)
    now = clock.now()
    common = {"kind": "vend", "user_id": user.pk, "subject": str(user.pk), "created": now}
    living = AccessToken.objects.create(
        **common, resource=forge.slug, expires=now + timedelta(hours=1)
    )
    endless = AccessToken.objects.create(**common, resource=forge.slug, expires=now)
    others = AccessToken.objects.create(
        **common, resource="elsewhere", expires=now + timedelta(hours=1)
    )
    with django_capture_on_commit_callbacks(execute=True):
        assert operator.delete(f"/admin/grants/broker/{connection.pk}").status_code == 204
    assert upstream.revoked == ["rt-0"]
    revoked = AccessToken.objects.exclude(revoked_at=None)
    assert {row.pk for row in revoked} == {living.pk, endless.pk}
    assert {row.revoked_reason for row in revoked} == {"disconnected"}
    assert AccessToken.objects.get(pk=others.pk).revoked_at is None


@pytest.mark.parametrize("answers", [True, False])
@pytest.mark.parametrize("how", ["disabled", "deleted"])
def test_a_user_that_goes_takes_the_connections_along(
    user, upstream, django_capture_on_commit_callbacks, how, answers
):
    make_connection(make_provider(upstream), user)
    if not answers:
        upstream.failures = [500]
    with django_capture_on_commit_callbacks(execute=True):
        if how == "disabled":
            accounts.disable_user(user_id=user.pk)
        else:
            user.delete()
    assert upstream.revoked == ["rt-0"]
    assert not Connection.objects.exclude(status="revoked").exists()
    (told,) = recorded("broker_grant.revoked")
    assert told["reason"] == f"user_{how}"


def run(*arguments):
    out = io.StringIO()
    call_command("connection", *arguments, "--json", stdout=out)
    return json.loads(out.getvalue())


def test_from_the_shell(user, robot, maps, tmp_path):
    path = tmp_path / "key"
    path.write_text(f"{KEY}\n")
    made = run("create", "--user", user.email, "--provider", "maps", "--api-key-file", str(path))
    assert credential_of(Connection.objects.get()) == {"api_key": KEY}
    other = run("create", "--user", user.email, "--provider", "robot",
                "--impersonate-sub", "jo", "--scope", "cal")  # fmt: skip
    assert run("show", made["id"])["provider"] == "maps"
    assert run("list")["total"] == 2
    listed = run("list", "--user", user.email, "--provider", "robot")
    assert [one["id"] for one in listed["connections"]] == [other["id"]]
    assert run("revoke", made["id"])["status"] == "revoked"
    for wrong in (
        ("show", NOBODY), ("revoke", "x"), ("list", "--user", "nobody"),
        ("create", "--user", user.email, "--provider", "robot", "--impersonate-sub", "jo"),
        ("create", "--user", user.email, "--provider", "maps", "--api-key-file", "/nowhere"),
    ):  # fmt: skip
        with nothing_changes(), pytest.raises(CommandError):
            run(*wrong)


@pytest.mark.shows("setting", "connections")
def test_from_the_configuration(user, maps, override_config, monkeypatch):
    seed = {"user": user.email, "provider": "maps", "api_key_ref": REF}
    monkeypatch.setenv(REF, KEY)
    override_config(seeds={"connections": ({**seed, "api_key": KEY},)})
    with pytest.raises(CommandError, match="must not stand in a seed"):
        call_command("load_seeds", verbosity=0)
    override_config(seeds={"connections": (seed,)})
    for _ in range(2):
        call_command("load_seeds", verbosity=0)
    assert credential_of(Connection.objects.get()) == {"api_key": KEY}
