"""What the MCP authorization specification asks of an authorization server, where no RFC does."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.support.server import ROOT

MCP = "MCP 2026-07-28"
DISCOVERY = (
    "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
)
PRIVATE_MEMBERS = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}


@pytest.mark.spec(
    MCP, "authorization server discovery", "MUST", "authorization server metadata is served"
)
@pytest.mark.parametrize("path", DISCOVERY)
def test_a_client_finds_everything_it_needs_in_either_document(oauth, path):
    document = oauth.http.get(path).json()

    assert document["issuer"] == oauth.issuer
    for member in ("authorization", "token", "registration"):
        assert document[f"{member}_endpoint"].startswith(oauth.issuer)
    assert {"authorization_code", "refresh_token"} <= set(document["grant_types_supported"])
    # Clients choose metadata documents only where both of these are announced.
    assert document["client_id_metadata_document_supported"] is True
    assert "none" in document["token_endpoint_auth_methods_supported"]


@pytest.mark.spec(
    MCP,
    "authorization server discovery",
    "MUST",
    "code_challenge_methods_supported is in every discovery document",
)
@pytest.mark.parametrize("path", DISCOVERY)
def test_clients_see_in_either_document_that_pkce_is_supported(oauth, path):
    assert oauth.http.get(path).json()["code_challenge_methods_supported"] == ["S256"]


@pytest.mark.spec(
    MCP, "authorization server discovery", "MUST", "authorization server metadata is served"
)
@pytest.mark.parametrize("path", ["/.well-known/oauth-authorization-server/elsewhere"])
def test_there_is_no_metadata_of_issuers_that_do_not_exist(oauth, path):
    assert oauth.http.get(path).status_code == 404


def start(**environment):
    """What the server says when it is started with this configuration."""
    known = {k: v for k, v in os.environ.items() if not k.startswith("AUTHPLANE_")}
    return subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env=known | {"DJANGO_SETTINGS_MODULE": "authplane.settings.production"} | environment,
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.spec(MCP, "security: communication", "MUST", "endpoints are https except on localhost")
@pytest.mark.parametrize("issuer", ["http://auth.example.com", "http://localhost.example.com"])
def test_a_server_for_others_does_not_start_without_https(issuer):
    outcome = start(AUTHPLANE_SERVER_ISSUER=issuer)

    assert outcome.returncode != 0
    assert "AUTHPLANE_SERVER_ISSUER must use https" in outcome.stderr


@pytest.mark.spec("RFC 8414", "2", "MUST", "the issuer has no query and no fragment")
@pytest.mark.parametrize("tail", ["?tenant=1", "#top", "/"])
def test_an_issuer_that_cannot_be_compared_does_not_start(tail):
    outcome = start(AUTHPLANE_SERVER_ISSUER=f"https://auth.example.com{tail}")

    assert outcome.returncode != 0
    assert "AUTHPLANE_SERVER_ISSUER must" in outcome.stderr


@pytest.mark.spec("RFC 7517", "4.5", "SHOULD", "every published key has a kid")
@pytest.mark.spec("RFC 7517", "9.2", "MUST", "no private part of a key is published")
def test_the_key_document_holds_named_public_keys_only(oauth):
    keys = oauth.jwks()["keys"]

    assert keys
    assert all(key["kid"] and key["use"] == "sig" and key["alg"] for key in keys)
    assert [name for key in keys for name in key if name in PRIVATE_MEMBERS] == []
    assert {key["kty"] for key in keys} <= {"EC", "OKP", "RSA"}
