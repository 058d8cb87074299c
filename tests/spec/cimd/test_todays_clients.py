"""The documents of today's clients are accepted, and their users get tokens."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from oauth.models import Client
from tests.support.factories import make_resource, make_user, person
from tests.support.published import key_set, signing_key

pytestmark = pytest.mark.django_db

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "clients"

RUNTIME_REDIRECTS = {
    "vscode": ["http://127.0.0.1:49152/", "http://127.0.0.1:33418/", "https://vscode.dev/redirect"],
    "claude-code": ["http://localhost:54321/callback", "http://127.0.0.1:54321/callback"],
    "claude-web": ["https://claude.ai/api/mcp/auth_callback"],
    "chatgpt": ["https://chatgpt.com/connector/oauth/example"],
    "opencode": ["http://127.0.0.1:19876/mcp/oauth/callback"],
}
FOREIGN_REDIRECTS = {
    "vscode": ["http://localhost:33418/", "https://vscode.dev/redirect/x"],
    "claude-code": ["http://[::1]:1/callback", "http://localhost:1/other", "https://claude.ai/"],
    "claude-web": ["http://localhost/callback", "https://claude.ai/api/mcp/auth_callback?x=1"],
    "chatgpt": ["https://chatgpt.com/connector/oauth/another"],
    "opencode": ["http://localhost:19876/mcp/oauth/callback"],
}


def document(name):
    return json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))


def path_of(url):
    return "/" + url.split("/", 3)[3]


def publish(world, name):
    found = document(name)
    world.publish(path_of(found["client_id"]), found)
    return found


@pytest.mark.parametrize("name", sorted(RUNTIME_REDIRECTS))
@pytest.mark.spec(
    "MCP 2026-07-28", "client id metadata documents", "MUST",
    "a redirect URI that is not in the document is refused",
)  # fmt: skip
def test_the_client_starts_where_its_document_says_and_nowhere_else(oauth, world, name):
    published = publish(world, name)
    resource = make_resource()
    oauth.client_id = published["client_id"]

    for redirect_uri in RUNTIME_REDIRECTS[name]:
        answer = oauth.start(redirect_uri=redirect_uri, resource=resource.uri)
        assert answer.status_code == 303, (redirect_uri, answer.text)
    for redirect_uri in FOREIGN_REDIRECTS[name]:
        answer = oauth.start(redirect_uri=redirect_uri, resource=resource.uri)
        assert answer.status_code == 400, redirect_uri
        assert "Location" not in answer.headers


@pytest.mark.parametrize("name", sorted(set(RUNTIME_REDIRECTS) - {"chatgpt"}))
def test_users_of_a_public_client_get_tokens_and_refresh_them(oauth, world, name):
    published = publish(world, name)
    oauth.client_id = published["client_id"]
    oauth.redirect_uri = RUNTIME_REDIRECTS[name][0]
    oauth.resource = make_resource().uri

    tokens = oauth.tokens(person(make_user()), scope="read")

    assert oauth.refresh(tokens["refresh_token"]).status_code == 200
    row = Client.objects.get()
    assert (row.client_id, row.registration_source) == (published["client_id"], "cimd")
    assert set(row.grant_types) == {"authorization_code", "refresh_token"}


def test_a_client_with_published_keys_proves_itself(oauth, world):
    published = publish(world, "chatgpt")
    key = signing_key("k1")
    world.publish(path_of(published["jwks_uri"]), key_set(key))
    oauth.client_id = published["client_id"]
    oauth.redirect_uri = published["redirect_uris"][0]
    oauth.resource = make_resource().uri
    authorization = oauth.authorize(person(make_user()), scope="read")

    without_proof = oauth.redeem(authorization)
    oauth.auth_method, oauth.private_jwk = "private_key_jwt", key
    with_proof = oauth.redeem(authorization)

    assert (401, "invalid_client") == (without_proof.status_code, without_proof.json()["error"])
    assert with_proof.status_code == 200, with_proof.text
    assert oauth.refresh(with_proof.json()["refresh_token"]).status_code == 200
