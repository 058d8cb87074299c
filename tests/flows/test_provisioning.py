"""What operators provide, over the API or by command, is what clients then use."""

from __future__ import annotations

import json

import pytest
from django.core.management import call_command

from tests.operator.conftest import OperatorAtTheApi
from tests.support import oauth_client

REDIRECT = oauth_client.DEFAULT_REDIRECT
PASSWORD = "a long enough passphrase"
URI = "https://weather.example.com/mcp"
RESOURCE = {
    "slug": "weather",
    "uri": URI,
    "backend_kind": "mint",
    "scopes": [{"name": "read", "default": True}, {"name": "write"}],
}
PERSON = oauth_client.User(email="ada@example.com", password=PASSWORD)


@pytest.fixture
def operator(db):
    return OperatorAtTheApi()


def made(answer):
    assert answer.status_code == 201, answer.content
    return answer.json()


def test_user_resource_and_client_made_over_the_api_meet(oauth, operator):
    made(operator.post("/admin/users", {"email": PERSON.email, "password": PASSWORD}))
    made(operator.post("/admin/resources", RESOURCE))
    client = made(
        operator.post("/admin/clients", {"client_name": "Weather app", "redirect_uris": [REDIRECT]})
    )
    app = oauth.sibling(client_id=client["client_id"], resource=URI)

    tokens = app.tokens(PERSON)

    assert [URI] == app.claims(tokens["access_token"])["aud"]
    assert "read" == tokens["scope"]
    assert 200 == app.refresh(tokens["refresh_token"]).status_code


def test_user_resource_and_client_made_by_command_meet(oauth, capsys, monkeypatch):
    def run(*command):
        call_command(*command, "--json")
        return json.loads(capsys.readouterr().out)

    user = run("create_user", "--email", PERSON.email, "--generate")
    run("create_resource", URI, "--scope", "read=See the weather.")
    client = run("create_client", "--name", "Weather app", "--redirect-uri", REDIRECT)
    person = oauth_client.User(email=user["email"], password=user["password"])

    tokens = oauth.sibling(client_id=client["client_id"], resource=URI).tokens(person)

    assert "read" == tokens["scope"]


def test_a_client_with_a_secret_is_a_machine_at_once(oauth, operator):
    made(operator.post("/admin/resources", RESOURCE))
    machine = made(
        operator.post(
            "/admin/clients",
            {"client_name": "Robot", "grant_types": ["client_credentials"], "scope": "read",
             "token_endpoint_auth_method": "client_secret_basic"},
        )
    )  # fmt: skip
    driver = oauth.sibling(
        client_id=machine["client_id"], client_secret=machine["client_secret"],
        auth_method="client_secret_basic", resource=URI,
    )  # fmt: skip

    assert 200 == driver.client_credentials().status_code
    rotated = operator.post(f"/admin/clients/{machine['client_id']}/rotate-secret").json()
    refresh_caches()
    assert 401 == driver.client_credentials().status_code
    driver.client_secret = rotated["client_secret"]
    assert 200 == driver.client_credentials().status_code


def test_who_acts_as_a_resource_is_told_about_its_tokens(scene, operator):
    token = scene.machine_token()
    newcomer = scene.another_machine()
    path = f"/admin/resources/{scene.resource.slug}/policy/runtime/client-ids"
    assert not newcomer.introspect(token).json()["active"]

    operator.post(path, {"client_id": newcomer.client_id})
    assert newcomer.introspect(token).json()["active"]

    operator.delete(f"{path}/{newcomer.client_id}")
    assert not newcomer.introspect(token).json()["active"]


def test_a_disabled_user_is_out_at_once(scene, operator):
    tokens = scene.tokens()
    assert scene.is_active(tokens["access_token"])

    operator.call("PATCH", f"/admin/users/{scene.user.pk}/disable")

    assert not scene.is_active(tokens["access_token"])
    assert 400 == scene.client.refresh(tokens["refresh_token"]).status_code
    page = scene.client.sign_in(scene.person)
    assert 'name="password"' in page.text


def test_a_suspended_client_is_out_until_it_is_reactivated(scene, operator):
    token = scene.machine_token()
    path = f"/admin/clients/{scene.machine.client_id}"

    operator.call("PATCH", f"{path}/suspend")
    refresh_caches()
    assert not scene.is_active(token)
    assert 401 == scene.machine.client_credentials().status_code

    operator.call("PATCH", f"{path}/reactivate")
    refresh_caches()
    assert 200 == scene.machine.client_credentials().status_code


def test_a_new_resource_is_known_and_a_deleted_one_is_not(scene, operator):
    made(operator.post("/admin/resources", RESOURCE))
    listed = operator.get("/admin/resources?slug=weather").json()
    assert 200 == scene.machine.client_credentials(resource=URI, scope="read").status_code

    assert 204 == operator.delete(f"/admin/resources/{listed['id']}").status_code

    answer = scene.machine.client_credentials(resource=URI, scope="read")
    assert (400, "invalid_target") == (answer.status_code, answer.json()["error"])


def refresh_caches():
    """What a commit does in every process; the transaction of a test is never committed."""
    from authplane.core import cache

    cache.drop_everything()
