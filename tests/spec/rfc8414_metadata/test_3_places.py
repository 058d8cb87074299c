from __future__ import annotations

import pytest

pytestmark = pytest.mark.django_db

ISSUER = "https://auth.example.com/tenants/north"
OWN = [
    "/.well-known/oauth-authorization-server/tenants/north",
    "/.well-known/openid-configuration/tenants/north",
    "/tenants/north/.well-known/openid-configuration",
]


@pytest.fixture
def issuer_with_path(override_config):
    override_config(server={"issuer": ISSUER})


@pytest.mark.spec("RFC 8414", "3.1", "MUST", "the path follows the inserted well-known name")
@pytest.mark.parametrize("path", [*OWN, "/.well-known/oauth-authorization-server"])
def test_an_issuer_with_a_path_is_found_at_its_places(oauth, issuer_with_path, path):
    answer = oauth.http.get(path)

    assert (200, ISSUER) == (answer.status_code, answer.json()["issuer"])


@pytest.mark.spec("RFC 8414", "3.3", "MUST", "metadata of one issuer is not another's")
@pytest.mark.parametrize(
    "path",
    [
        "/.well-known/oauth-authorization-server/tenants",
        "/.well-known/oauth-authorization-server/tenants/north/",
        "/.well-known/oauth-authorization-server/tenants/NORTH",
        "/.well-known/oauth-authorization-server/tenants/south",
        "/.well-known/openid-configuration/tenants/south",
        "/tenants/south/.well-known/openid-configuration",
        "/tenants/south/.well-known/jwks.json",
    ],
)
def test_paths_of_other_issuers_are_not_answered(oauth, issuer_with_path, path):
    answer = oauth.http.get(path)

    assert (404, "not_found") == (answer.status_code, answer.json()["error"])


@pytest.mark.parametrize("path", OWN)
def test_an_issuer_without_a_path_has_no_inserted_places(oauth, path):
    assert 404 == oauth.http.get(path).status_code


def test_the_key_document_is_where_the_metadata_says(oauth, issuer_with_path):
    place = oauth.http.get(OWN[0]).json()["jwks_uri"].removeprefix("https://auth.example.com")

    assert "/tenants/north/.well-known/jwks.json" == place
    assert oauth.http.get("/.well-known/jwks.json").content == oauth.http.get(place).content


def test_a_page_of_another_origin_may_read_every_place(oauth, issuer_with_path):
    for path in OWN:
        assert "*" == oauth.http.get(path).headers["access-control-allow-origin"]
