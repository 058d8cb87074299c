from __future__ import annotations

import pytest

from tests.support.factories import make_resource

pytestmark = pytest.mark.django_db

ROOT = "/.well-known/oauth-authorization-server"
OPENID = "/.well-known/openid-configuration"


@pytest.mark.spec("RFC 8414", "2", "MUST", "issuer is the identifier, byte for byte")
def test_issuer_is_the_configured_one(oauth, override_config):
    override_config(server={"issuer": "https://auth.example.com"})

    assert "https://auth.example.com" == oauth.http.get(ROOT).json()["issuer"]


def test_endpoints_stand_below_the_issuer(oauth, override_config):
    override_config(server={"issuer": "https://auth.example.com"})

    document = oauth.http.get(ROOT).json()

    assert {
        "authorization_endpoint": "https://auth.example.com/oauth/authorize",
        "token_endpoint": "https://auth.example.com/oauth/token",
        "registration_endpoint": "https://auth.example.com/oauth/register",
        "revocation_endpoint": "https://auth.example.com/oauth/revoke",
        "introspection_endpoint": "https://auth.example.com/oauth/introspect",
        "userinfo_endpoint": "https://auth.example.com/oauth/userinfo",
        "pushed_authorization_request_endpoint": "https://auth.example.com/oauth/par",
        "jwks_uri": "https://auth.example.com/.well-known/jwks.json",
    } == {name: document[name] for name in document if name.endswith(("_endpoint", "_uri"))}


@pytest.mark.spec("RFC 8414", "2", "REQUIRED", "response types are listed")
def test_only_the_code_response_type_is_offered(oauth):
    document = oauth.http.get(ROOT).json()

    assert ["code"] == document["response_types_supported"]
    assert ["query"] == document["response_modes_supported"]


@pytest.mark.spec("RFC 7636", "6.2", "RECOMMENDED", "challenge methods are listed")
def test_only_s256_is_offered(oauth):
    assert ["S256"] == oauth.http.get(ROOT).json()["code_challenge_methods_supported"]


def test_grants_are_those_of_the_token_endpoint(oauth):
    from oauth.grants import GRANTS

    assert list(GRANTS) == oauth.http.get(ROOT).json()["grant_types_supported"]


def test_a_switched_off_grant_is_not_offered(oauth, override_config):
    override_config(features={"client_credentials": False})

    offered = oauth.http.get(ROOT).json()["grant_types_supported"]

    assert "client_credentials" not in offered
    assert {"authorization_code", "refresh_token"} < set(offered)


@pytest.mark.spec("RFC 8414", "2", "MUST", "signing algorithms are listed where private_key_jwt is")
@pytest.mark.parametrize("endpoint", ["token", "introspection", "revocation"])
def test_authentication_methods_come_with_their_algorithms(oauth, endpoint):
    document = oauth.http.get(ROOT).json()

    methods = document[f"{endpoint}_endpoint_auth_methods_supported"]
    algorithms = document[f"{endpoint}_endpoint_auth_signing_alg_values_supported"]
    assert {"client_secret_basic", "client_secret_post", "private_key_jwt"} == set(methods) - {
        "none"
    }
    assert ("none" in methods) is (endpoint != "introspection")
    assert "ES256" in algorithms


@pytest.mark.spec(
    "RFC 8414", "2", "MUST NOT", "the value none is among the assertion signing algorithms"
)
@pytest.mark.parametrize("endpoint", ["token", "introspection", "revocation"])
def test_unsigned_and_shared_secret_assertions_are_not_offered(oauth, endpoint):
    document = oauth.http.get(ROOT).json()

    algorithms = document[f"{endpoint}_endpoint_auth_signing_alg_values_supported"]
    assert [] == [name for name in algorithms if name == "none" or name.startswith("HS")]


@pytest.mark.spec("RFC 9207", "3", "MUST", "support of iss in responses is announced")
def test_iss_in_responses_is_announced(oauth):
    assert oauth.http.get(ROOT).json()["authorization_response_iss_parameter_supported"] is True


def test_scopes_are_those_of_every_resource_once_then_offline_access(oauth):
    make_resource(scopes=[{"name": "tools:call"}, {"name": "email"}])

    offered = oauth.http.get(ROOT).json()["scopes_supported"]

    assert ["openid", "email", "tools:call", "offline_access"] == offered


def test_metadata_documents_are_announced_only_when_read(oauth, override_config):
    name = "client_id_metadata_document_supported"
    assert oauth.http.get(ROOT).json()[name] is True

    override_config(cimd={"enabled": False})

    assert name not in oauth.http.get(ROOT).json()


@pytest.mark.spec("RFC 8414", "3.2", "MUST", "members without values are omitted")
def test_no_member_is_empty(oauth, override_config):
    override_config(cimd={"enabled": False}, features={"client_credentials": False})

    document = oauth.http.get(ROOT).json()
    # Without this one clients assume that it is true.
    document.pop("request_uri_parameter_supported")

    assert [] == [name for name, value in document.items() if value in (None, [], "", False)]


@pytest.mark.parametrize(
    "member",
    [
        "device_authorization_endpoint",
        "id_token_signing_alg_values_supported",
    ],
)
def test_what_the_server_does_not_do_is_not_offered(oauth, member):
    assert member not in oauth.http.get(ROOT).json()


@pytest.mark.spec("RFC 8414", "3.2", "MUST", "200 with application/json")
@pytest.mark.parametrize("path", [ROOT, OPENID])
def test_both_well_known_names_give_the_same_cacheable_document(oauth, path):
    answer = oauth.http.get(path)

    assert 200 == answer.status_code
    assert "application/json" == answer.headers["content-type"]
    assert "public, max-age=3600" == answer.headers["cache-control"]
    assert "*" == answer.headers["access-control-allow-origin"]
    assert oauth.http.get(ROOT).content == answer.content


@pytest.mark.parametrize("path", [ROOT, OPENID, "/.well-known/jwks.json"])
def test_who_has_the_document_gets_no_second_copy(oauth, path):
    first = oauth.http.get(path)

    again = oauth.http.get(path, headers={"If-None-Match": f'"other", W/{first.headers["etag"]}'})
    changed = oauth.http.get(path, headers={"If-None-Match": '"other"'})

    assert (304, b"") == (again.status_code, again.content)
    assert first.headers["etag"] == again.headers["etag"]
    assert (200, first.content) == (changed.status_code, changed.content)


@pytest.mark.parametrize("path", [ROOT, OPENID, "/.well-known/jwks.json"])
def test_head_tells_what_get_would(oauth, path):
    got, asked = oauth.http.get(path), oauth.http.head(path)

    assert 200 == asked.status_code
    for name in ("content-type", "cache-control", "etag", "content-length"):
        assert got.headers[name] == asked.headers[name]


@pytest.mark.parametrize("path", [ROOT, OPENID, "/.well-known/jwks.json"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_documents_can_only_be_read(oauth, path, method):
    answer = oauth.http.request(method, path)

    assert (405, "invalid_request") == (answer.status_code, answer.json()["error"])
    assert "GET, HEAD" == answer.headers["allow"]


def test_a_changed_configuration_changes_the_document_at_once(oauth, override_config):
    assert "client_credentials" in oauth.http.get(ROOT).json()["grant_types_supported"]

    override_config(features={"client_credentials": False})

    assert "client_credentials" not in oauth.http.get(ROOT).json()["grant_types_supported"]


def test_the_document_costs_no_statement_once_it_is_known(oauth, query_budget):
    oauth.http.get(ROOT)

    with query_budget(0):
        for path in (ROOT, OPENID):
            assert 200 == oauth.http.get(path).status_code


def test_a_database_that_is_away_takes_no_endpoint_off_the_map(oauth, monkeypatch):
    from django.db import OperationalError

    from oauth.resources import selectors

    def away(*_args, **_options):
        raise OperationalError

    monkeypatch.setattr(selectors, "_latest", {})
    monkeypatch.setattr(selectors.Resource.objects, "order_by", away)

    document = oauth.http.get(ROOT).json()

    assert document["token_endpoint"].endswith("/oauth/token")
    assert ["offline_access"] == document["scopes_supported"]
