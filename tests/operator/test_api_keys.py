"""Keys for proxies and their groups: over the operator API, from shell and seeds."""

from __future__ import annotations

import hashlib
import io
import json
import logging

import pytest
from django.core.management import CommandError, call_command

from audit.models import AuditEvent
from broker.models import AccessGroup, ApiKey, GroupProxyAccess
from tests.support.factories import make_user
from tests.support.gateway import make_proxy
from tests.support.record import recorded

pytestmark = pytest.mark.django_db
KEYS, GROUPS = "/admin/api-keys", "/admin/access-groups"
NOBODY = "018f3a5c-0000-7000-8000-000000000001"


@pytest.fixture
def proxy(db):
    return make_proxy()


@pytest.fixture
def user(db):
    return make_user()


@pytest.fixture
def group(operator, proxy):
    access = [{"proxy": proxy.slug, "requests_per_minute": 60}]
    made = operator.post(GROUPS, {"name": "builders", "proxy_access": access})
    assert made.status_code == 201, made.content
    return made.json()


@pytest.fixture
def body(user, group):
    return {"name": "ci", "user_id": str(user.pk), "user_group_id": group["id"]}


def refused(answer, status, error, *texts):
    assert answer.status_code == status, answer.content
    assert answer.json()["error"] == error
    for text in texts:
        assert text in answer.json()["error_description"]


class TestKeys:
    @pytest.mark.shows(
        "audit event",
        "api_key.created", "api_key.patched", "api_key.revoked", "api_key.deleted",
    )  # fmt: skip
    def test_the_whole_life_of_one(self, operator, body, caplog):
        with caplog.at_level(logging.DEBUG):
            made = operator.post(KEYS, {**body, "expires_in_days": 30})
        assert made.status_code == 201, made.content
        assert made.headers["cache-control"] == "no-store"
        made = made.json()
        key = made.pop("api_key")
        assert key.startswith("uag_")
        assert (made["prefix"], made["state"]) == (key[:8], "active")
        path = f"{KEYS}/{made['id']}"
        assert operator.get(path).json() == made
        assert operator.get(KEYS).json() == {
            "api_keys": [made], "total": 1, "next_cursor": None,
        }  # fmt: skip
        filtered = operator.get(f"{KEYS}?user_group_id={NOBODY}").json()
        assert filtered["total"] == 0

        changed = operator.patch(path, {"name": "nightly", "expires_in_days": None}).json()
        assert (changed["name"], changed["expires_at"]) == ("nightly", None)
        revoked = operator.post(f"{path}/revoke")
        assert (revoked.status_code, revoked.json()["state"]) == (200, "revoked")
        assert operator.post(f"{path}/revoke").json() == revoked.json()
        refused(operator.patch(path, {"expires_in_days": 9}), 409, "conflict", "revoked")
        assert operator.delete(path).status_code == 204
        refused(operator.get(path), 404, "not_found")

        named = {"id": made["id"], "name": "nightly"}
        created = {"name": "ci", "user": body["user_id"], "group": "builders"}
        assert recorded("api_key.created") == [named | created]
        assert recorded("api_key.patched") == [named | {"fields": "name,expires_at"}]
        assert recorded("api_key.revoked") == [named]
        assert recorded("api_key.deleted") == [named]
        told = caplog.text + json.dumps(list(AuditEvent.objects.values_list("detail", flat=True)))
        assert key not in told

    def test_only_its_hash_is_kept(self, operator, body):
        key = operator.post(KEYS, body).json()["api_key"]
        row = ApiKey.objects.get()
        assert row.key_hash == hashlib.sha256(key.encode()).hexdigest()
        assert key not in repr([*ApiKey.objects.values()])
        assert len(key) == len("uag_") + 43

    @pytest.mark.parametrize(
        ("change", "text"),
        [
            ({"name": ""}, "name must be a text"),
            ({"name": "a\x00"}, "name must be a text"),
            ({"description": 7}, "description must be a text"),
            ({"user_id": NOBODY}, "user_id must be the id of an active user"),
            ({"user_id": ["x"]}, "user_id must be"),
            ({"user_group_id": "builders"}, "user_group_id must be"),
            ({"expires_in_days": 0}, "expires_in_days must be"),
            ({"expires_in_days": True}, "expires_in_days must be"),
            ({"key_hash": "00"}, "key_hash is not a member"),
        ],
    )
    def test_every_problem_is_told_and_nothing_is_stored(self, operator, body, change, text):
        refused(operator.post(KEYS, {**body, **change}), 400, "invalid_request", text)
        assert not ApiKey.objects.exists()

    def test_a_disabled_user_gets_none(self, operator, body, user):
        user.status = "disabled"
        user.save()
        refused(operator.post(KEYS, body), 400, "invalid_request", "active user")

    def test_whose_it_is_cannot_be_changed(self, operator, body):
        made = operator.post(KEYS, body).json()
        answer = operator.patch(f"{KEYS}/{made['id']}", {"user_id": str(make_user().pk)})
        refused(answer, 400, "invalid_request", "user_id is not a member")

    @pytest.mark.parametrize("key", [NOBODY, "nothing", "\x00"])
    def test_keys_of_nobody(self, operator, key):
        refused(operator.get(f"{KEYS}/{key}"), 404, "not_found")
        refused(operator.post(f"{KEYS}/{key}/revoke", {}), 404, "not_found")
        refused(operator.delete(f"{GROUPS}/{key}"), 404, "not_found")
        assert operator.get(f"{KEYS}?user_id=x").status_code == 400

    def test_the_operator_key_is_needed(self, operator):
        assert operator.get(KEYS, key=None).status_code == 401
        assert operator.get(GROUPS, key="wrong").status_code == 401


class TestGroups:
    @pytest.mark.shows(
        "audit event", "access_group.created", "access_group.patched", "access_group.deleted"
    )
    def test_the_whole_life_of_one(self, operator, proxy, group):
        path = f"{GROUPS}/{group['id']}"
        assert group["proxy_access"] == [{"proxy": proxy.slug, "requests_per_minute": 60}]
        assert operator.get(path).json() == group
        assert operator.get(GROUPS).json()["access_groups"] == [group]
        other = make_proxy()
        access = [{"proxy": other.slug}]
        changed = operator.patch(path, {"enabled": False, "proxy_access": access}).json()
        assert changed["enabled"] is False
        assert changed["proxy_access"] == [{"proxy": other.slug, "requests_per_minute": None}]
        assert operator.patch(path, {"proxy_access": access}).json() == changed
        assert operator.delete(path).status_code == 204
        named = {"id": group["id"], "name": "builders"}
        assert recorded("access_group.created") == [named]
        assert recorded("access_group.patched") == [named | {"fields": "enabled,proxy_access"}]
        assert recorded("access_group.deleted") == [named]

    @pytest.mark.parametrize(
        ("access", "text"),
        [
            ({}, "proxy_access must be a list"),
            (["x"], "proxy_access must be a list"),
            ([{"proxy": "nobody"}], "proxy_access.0.proxy is no OAuth proxy"),
            ([{"proxy": 1}], "proxy_access.0.proxy"),
            ([{"proxy": "p", "requests_per_minute": 0}], "requests_per_minute must be 1"),
            ([{"proxy": "p", "requests_per_minute": True}], "requests_per_minute must be 1"),
            ([{"proxy": "p", "limit": 1}], "proxy_access.0.limit is not a member"),
            ([{"proxy": "p"}, {"proxy": "p"}], "is there twice"),
        ],
    )
    def test_every_problem_is_told_and_nothing_changes(self, operator, group, access, text):
        make_proxy(slug="p")
        path = f"{GROUPS}/{group['id']}"
        refused(operator.patch(path, {"proxy_access": access}), 400, "invalid_request", text)
        assert operator.get(path).json() == group
        assert GroupProxyAccess.objects.count() == 1

    def test_a_name_is_taken_once(self, operator, group):
        refused(operator.post(GROUPS, {"name": "builders"}), 409, "conflict", "name")

    def test_a_group_with_keys_stays(self, operator, group, body):
        operator.post(KEYS, body)
        refused(operator.delete(f"{GROUPS}/{group['id']}"), 409, "conflict", "1 API keys")


def run(*arguments):
    out = io.StringIO()
    call_command(*arguments, "--json", stdout=out)
    return json.loads(out.getvalue())


class TestFromTheShell:
    def test_the_life_of_a_key_and_its_group(self, operator, proxy, user):
        made = run("access_group", "create", "builders", "--proxy", f"{proxy.slug}=5")
        assert made == operator.get(f"{GROUPS}/{made['id']}").json()
        assert run("access_group", "update", "builders", "--disable")["enabled"] is False
        assert run("access_group", "show", "builders")["enabled"] is False
        assert run("access_group", "list")["total"] == 1
        key = run("api_key", "create", "ci", "--user", user.email, "--group", "builders")
        assert key.pop("api_key").startswith("uag_")
        assert key == run("api_key", "show", key["id"]) == run("api_key", "list")["api_keys"][0]
        assert run("api_key", "expire", key["id"], "--in-days", "3")["expires_at"]
        assert run("api_key", "revoke", key["id"])["state"] == "revoked"
        with pytest.raises(CommandError, match="API keys belong to the group"):
            run("access_group", "delete", "builders")
        run("api_key", "delete", key["id"])
        assert run("access_group", "delete", "builders")["name"] == "builders"

    @pytest.mark.parametrize(
        ("arguments", "text"),
        [
            (("api_key", "show", "x"), "API key not found"),
            (("api_key", "revoke", NOBODY), "API key not found"),
            (("api_key", "create", "x", "--user", "a@b.c", "--group", "x"), "user not found"),
            (("access_group", "create", "x", "--proxy", "p=many"), "--proxy takes"),
            (("access_group", "create", "x", "--proxy", "p"), "is no OAuth proxy's slug"),
            (("access_group", "update", "x"), "nothing to change"),
            (("access_group", "show", "x"), "access group not found"),
        ],
    )
    def test_a_mistake_ends_with_its_reason(self, arguments, text):
        with pytest.raises(CommandError, match=text):
            call_command(*arguments)


@pytest.mark.shows("setting", "access_groups", "api_keys")
class TestSeeds:
    KEY = "uag_" + "k" * 43

    @pytest.fixture
    def seeds(self, override_config, user):
        key = {"name": "ci", "user": user.email, "group": "builders", "key_ref": "CONNECTOR_CI"}
        groups = ({"name": "builders", "proxy_access": [{"proxy": "seeded"}]},)
        return lambda **changes: override_config(
            seeds={"access_groups": groups, "api_keys": (key | changes,)}
        )

    def test_they_exist_after_the_first_start(self, seeds, user, monkeypatch):
        make_proxy(slug="seeded")
        monkeypatch.setenv("CONNECTOR_CI", self.KEY)
        seeds()
        call_command("load_seeds", verbosity=0)
        call_command("load_seeds", verbosity=0)
        row = ApiKey.objects.get()
        assert row.key_hash == hashlib.sha256(self.KEY.encode()).hexdigest()
        assert (row.group.name, row.user_id) == ("builders", user.pk)

    @pytest.mark.parametrize(
        ("changes", "key", "text"),
        [
            ({}, "hunter2", "256 random bits"),
            ({}, "", "CONNECTOR_CI"),
            ({"user": "nobody@example.com"}, KEY, "user must be"),
            ({"group": None}, KEY, "group must be"),
            ({"key": KEY}, KEY, "key is not a member"),
        ],
    )
    def test_a_bad_one_plants_nothing(self, seeds, monkeypatch, changes, key, text):
        make_proxy(slug="seeded")
        monkeypatch.setenv("CONNECTOR_CI", key)
        seeds(**changes)
        with pytest.raises(CommandError, match=text):
            call_command("load_seeds", verbosity=0)
        assert not AccessGroup.objects.exists()
