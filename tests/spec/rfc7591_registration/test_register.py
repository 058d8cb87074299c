"""POST /oauth/register: what is accepted, what is refused, and that a refusal changes nothing."""

from __future__ import annotations

import json

import pytest

from oauth.models import Client
from tests.support.published import key_set, signing_key

pytestmark = pytest.mark.django_db

REDIRECT = "https://app.example/callback"


def post(oauth, body, *, path="/oauth/register", **headers):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return oauth.http.post(
        path, content=content, headers={"Content-Type": "application/json"} | headers
    )


def good(**members):
    return {"client_name": "An app", "redirect_uris": [REDIRECT]} | members


def assert_refused(answer, error, *, status=400):
    assert (status, error) == (answer.status_code, answer.json()["error"])
    assert answer.headers["Cache-Control"] == "no-store"
    assert Client.objects.count() == 0


@pytest.mark.parametrize("path", ["/oauth/register", "/register"])
@pytest.mark.spec("RFC 7591", "3.2.1", "MUST", "all registered metadata is returned")
def test_a_public_client_gets_its_defaults(oauth, path):
    answer = post(oauth, good(), path=path)

    body = answer.json()
    assert answer.status_code == 201
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert set(body) == {
        "client_id", "client_id_issued_at", "redirect_uris", "client_name", "grant_types",
        "response_types", "token_endpoint_auth_method", "application_type",
        "registration_access_token", "registration_client_uri",
    }  # fmt: skip
    assert body["redirect_uris"] == [REDIRECT]
    assert body["grant_types"] == ["authorization_code", "refresh_token"]
    assert body["response_types"] == ["code"]
    assert body["token_endpoint_auth_method"] == "none"
    assert body["application_type"] == "web"
    assert body["registration_client_uri"].endswith(f"/oauth/register/{body['client_id']}")
    row = Client.objects.get()
    assert (row.registration_source, row.application_type, row.client_secret) == ("dcr", None, "")
    assert body["registration_access_token"] not in row.registration_token


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_a_client_with_a_secret_learns_it_once(oauth, method):
    body = post(oauth, good(token_endpoint_auth_method=method)).json()

    assert len(body["client_secret"]) == 43
    assert body["client_secret_expires_at"] == 0
    row = Client.objects.get()
    assert body["client_secret"] not in row.client_secret
    assert row.client_type == "confidential"


@pytest.mark.spec("RFC 7591", "3.2.1", "MUST", "all registered metadata is returned")
def test_everything_registered_is_echoed(oauth):
    sent = good(
        application_type="native", agent=True, agent_description="Books trains",
        software_id="app-1", software_version="2.0", client_uri="https://app.example/",
        token_endpoint_auth_method="private_key_jwt", jwks_uri="https://app.example/jwks",
        token_endpoint_auth_signing_alg="ES256",
    )  # fmt: skip

    body = post(oauth, sent).json()

    assert {name: body[name] for name in sent} == sent


def test_inline_keys_are_kept_in_public_form(oauth):
    keys = key_set(signing_key() | {"x5t": "left out"})

    body = post(oauth, good(token_endpoint_auth_method="private_key_jwt", jwks=keys)).json()

    assert body["jwks"]["keys"][0]["kid"] == "one"
    assert "x5t" not in body["jwks"]["keys"][0]
    assert "client_secret" not in body


@pytest.mark.spec("RFC 7591", "2", "MUST", "unknown metadata is ignored")
def test_unknown_members_and_scope_are_ignored(oauth):
    body = post(oauth, good(scope="admin everything", tomorrow={"x": [1]}, require_par=1)).json()

    assert "scope" not in body
    assert "tomorrow" not in body
    assert Client.objects.get().scope == ""


@pytest.mark.parametrize(("sent", "echoed"), [({}, None), ({"redirect_uris": []}, [])])
def test_absent_and_empty_redirect_uris_are_told_apart(oauth, sent, echoed):
    asked = {"client_name": "m", "grant_types": ["client_credentials"]} | sent
    asked["token_endpoint_auth_method"] = "client_secret_basic"

    body = post(oauth, asked).json()

    assert body["redirect_uris"] == echoed
    token = {"Authorization": f"Bearer {body['registration_access_token']}"}
    read = oauth.http.get(f"/oauth/register/{body['client_id']}", headers=token)
    assert read.json()["redirect_uris"] == echoed


@pytest.mark.shows("setting", "oauth.default_client_scope")
def test_the_default_ceiling_is_for_clients_with_a_user_in_the_loop(oauth, override_config):
    override_config(oauth={"default_client_scope": "read"})

    user_only = post(oauth, good()).json()
    machine = good(
        grant_types=["authorization_code", "client_credentials"],
        token_endpoint_auth_method="client_secret_basic",
    )

    assert user_only["scope"] == "read"
    assert "scope" not in post(oauth, machine).json()


@pytest.mark.spec("RFC 7591", "2", "MUST", "redirect-based clients register redirect URIs")
@pytest.mark.parametrize("sent", [{"redirect_uris": []}, {"redirect_uris": None}])
def test_a_client_with_users_needs_a_redirect_uri(oauth, sent):
    assert_refused(post(oauth, good(**sent)), "invalid_client_metadata")


@pytest.mark.spec(
    "RFC 7591", "3.2.2", "MUST", "an unacceptable redirect URI is invalid_redirect_uri"
)
@pytest.mark.spec(
    "MCP 2026-07-28", "security: communication", "MUST", "redirect URIs are loopback or https"
)
@pytest.mark.parametrize(
    "uri",
    [
        "http://app.example/cb", "https://app.example/cb#", "https://app.example/cb#f",
        "https://u:p@app.example/cb", "https://*.app.example/cb", "myapp://callback",
        "com.example.app:/cb", "javascript:alert(1)", "data:text/html,x", "/relative", "",
        "https://", "https:///cb", "https://app.example/a b", "https://app.example/\x00",
        "https://app.example/\n", "HTTPS://app.example/cb",
        "http://127.0.0.1.evil.example/cb", "http://localhost.evil.example/", "http://127.0.0.2/",
        "https://app.example:0/cb", "https://app.example/a/../b", "file:///etc/passwd",
        "https://app.example/" + "a" * 2048, "https://äpp.example/cb",
    ],
)  # fmt: skip
def test_a_redirect_uri_that_could_leak_a_code_is_refused(oauth, uri):
    answer = post(oauth, good(redirect_uris=[REDIRECT, uri]))

    assert_refused(answer, "invalid_redirect_uri")
    assert "evil" not in answer.text


@pytest.mark.parametrize(
    "uri",
    [
        "https://app.example/cb?x=1", "http://localhost/cb", "http://127.0.0.1:33418/",
        "http://[::1]/cb", "cursor://anysphere.cursor-mcp/oauth/callback", "vscode://x/cb",
        "https://app.example:8443/cb",
    ],
)  # fmt: skip
def test_https_loopback_and_listed_schemes_are_accepted(oauth, uri):
    assert post(oauth, good(redirect_uris=[uri])).json()["redirect_uris"] == [uri]


@pytest.mark.shows("setting", "dcr.private_schemes")
def test_the_list_of_private_schemes_is_configured(oauth, override_config):
    override_config(dcr={"private_schemes": ("myapp",)})

    assert post(oauth, good(redirect_uris=["myapp://cb"])).status_code == 201
    refused = post(oauth, good(redirect_uris=["cursor://cb"]))
    assert refused.json()["error"] == "invalid_redirect_uri"


@pytest.mark.spec("RFC 7591", "3.2.2", "MUST", "unacceptable metadata is invalid_client_metadata")
@pytest.mark.parametrize(
    "members",
    [
        {"client_name": None}, {"client_name": ""}, {"client_name": "  "}, {"client_name": 7},
        {"client_name": "x" * 256}, {"client_name": "ä" * 128}, {"client_name": "a\x00b"},
        {"client_name": "a\nb"},
        {"redirect_uris": "https://app.example/cb"}, {"redirect_uris": [1]},
        {"redirect_uris": [f"https://app.example/{n}" for n in range(11)]},
        {"grant_types": ["password"]}, {"grant_types": ["implicit"]}, {"grant_types": "code"},
        {"grant_types": [{}]}, {"response_types": ["token"]}, {"response_types": ["code", "token"]},
        {"token_endpoint_auth_method": "client_secret_jwt"}, {"token_endpoint_auth_method": 1},
        {"token_endpoint_auth_method": ["none"]},
        {"application_type": "desktop"}, {"application_type": ["web"]}, {"agent": "yes"},
        {"agent": 1}, {"agent_description": "x" * 256}, {"agent_description": "\x1b[31m"},
        {"software_id": "x" * 256}, {"software_id": {}},
        {"token_endpoint_auth_method": "private_key_jwt"},
        {"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": []}},
        {"token_endpoint_auth_method": "private_key_jwt", "jwks": []},
        {"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [{"kty": "oct"}]}},
        {"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "http://app.example/jwks"},
        {"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "file:///etc/passwd"},
        {"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "https://u@app.example/"},
        {
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks_uri": "https://app.example/jwks",
            "token_endpoint_auth_signing_alg": "HS256",
        },
    ],
)  # fmt: skip
def test_metadata_that_breaks_a_rule_is_refused(oauth, members):
    body = {name: value for name, value in good(**members).items() if value is not None}

    assert_refused(post(oauth, body), "invalid_client_metadata")


def test_keys_by_value_and_by_reference_exclude_each_other(oauth):
    both = good(
        token_endpoint_auth_method="private_key_jwt",
        jwks=key_set(signing_key()),
        jwks_uri="https://app.example/jwks",
    )

    assert_refused(post(oauth, both), "invalid_client_metadata")


def test_a_published_private_key_is_refused(oauth):
    leaked = good(token_endpoint_auth_method="private_key_jwt", jwks={"keys": [signing_key()]})

    assert_refused(post(oauth, leaked), "invalid_client_metadata")


def test_every_problem_is_told_at_once_and_nothing_is_echoed(oauth):
    answer = post(
        oauth,
        {"client_name": "", "redirect_uris": ["evil://<planted>"], "application_type": "PLANTED"},
    )

    told = answer.json()["error_description"]
    assert told.startswith("client validation failed: ")
    assert told.count("; ") == 2
    assert "planted" not in answer.text.lower()


@pytest.mark.shows("setting", "client_credentials.enabled")
def test_a_grant_that_is_switched_off_names_its_switch(oauth, override_config):
    override_config(features={"client_credentials": False})

    answer = post(oauth, good(grant_types=["client_credentials"]))

    assert_refused(answer, "invalid_client_metadata")
    assert "AUTHPLANE_CLIENT_CREDENTIALS_ENABLED" in answer.json()["error_description"]


@pytest.mark.shows("setting", "token_exchange.enabled")
@pytest.mark.parametrize(
    ("grant", "feature", "variable"),
    [
        (
            "urn:ietf:params:oauth:grant-type:token-exchange",
            "token_exchange",
            "AUTHPLANE_TOKEN_EXCHANGE_ENABLED",
        ),
        ("urn:ietf:params:oauth:grant-type:jwt-bearer", "xaa", "AUTHPLANE_XAA_ENABLED"),
    ],
)
def test_grants_that_are_switched_off_are_refused(oauth, override_config, grant, feature, variable):
    override_config(features={feature: False})

    answer = post(oauth, good(grant_types=["authorization_code", grant]))

    assert_refused(answer, "invalid_client_metadata")
    assert variable in answer.json()["error_description"]


@pytest.mark.parametrize(
    ("body", "description"),
    [
        (b"{", "invalid JSON body"), (b"[]", "invalid JSON body"), (b"\xff", "invalid JSON body"),
        (b'{"client_name": NaN}', "invalid JSON body"),
        (b'{"client_name":"a","client_name":"b"}', "invalid JSON body"),
        (b'{"client_name":"\\ud800"}', "invalid JSON body"),
        (b"[" * 100_000, "invalid JSON body"), (b"", "invalid JSON body"),
    ],
)  # fmt: skip
def test_a_body_that_is_no_json_object_is_refused(oauth, body, description):
    answer = post(oauth, body)

    assert_refused(answer, "invalid_request")
    assert answer.json()["error_description"] == description


def test_a_form_is_no_registration(oauth):
    answer = oauth.http.post("/oauth/register", data={"client_name": "x"})

    assert_refused(answer, "invalid_request")


def test_a_body_beyond_one_mebibyte_is_refused(oauth):
    answer = post(oauth, good(padding="x" * (1024 * 1024)))

    assert_refused(answer, "invalid_request", status=413)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_only_post_registers(oauth, method):
    answer = oauth.http.request(method, "/oauth/register", json=good())

    assert_refused(answer, "invalid_request", status=405)
    assert answer.headers["Allow"] == "POST"
