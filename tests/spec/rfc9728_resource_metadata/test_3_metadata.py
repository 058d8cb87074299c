from __future__ import annotations

import pytest

from tests.support.factories import make_resource

pytestmark = pytest.mark.django_db

PLACE = "/.well-known/oauth-protected-resource"


@pytest.mark.spec("RFC 9728", "2", "REQUIRED", "resource is the identifier as registered")
@pytest.mark.parametrize(
    ("uri", "reference"),
    [
        ("https://MCP.example.com:443/Files/v1/", "Files/v1"),
        ("https://mcp.example.com/files", "files"),
        ("https://mcp.example.com/a/b/c/d", "a/b/c/d"),
        ("http://localhost:3000/mcp", "mcp"),
        ("https://mcp.example.com/files?v=2", "files?v=2"),
    ],
)
def test_a_resource_is_found_by_the_path_of_its_uri(oauth, uri, reference):
    make_resource(uri=uri, slug="somewhere-else")

    answer = oauth.http.get(f"{PLACE}/{reference}")

    assert (200, uri) == (answer.status_code, answer.json()["resource"])


def test_the_document_says_who_issues_tokens_and_for_what(oauth, override_config):
    override_config(server={"issuer": "https://auth.example.com"})
    make_resource(
        slug="files", uri="https://mcp.example.com/mcp", display_name="Files",
        scopes=[{"name": "files:read"}, {"name": "files:write"}],
    )  # fmt: skip

    answer = oauth.http.get(f"{PLACE}/mcp")

    assert {
        "resource": "https://mcp.example.com/mcp",
        "authorization_servers": ["https://auth.example.com"],
        "scopes_supported": ["files:read", "files:write"],
        "bearer_methods_supported": ["header"],
        "resource_name": "Files",
    } == answer.json()
    assert "application/json" == answer.headers["content-type"]
    assert "public, max-age=3600" == answer.headers["cache-control"]
    assert "*" == answer.headers["access-control-allow-origin"]


@pytest.mark.spec("RFC 9728", "3.2", "MUST", "members with no value are omitted")
def test_what_a_resource_does_not_have_is_absent(oauth):
    make_resource(slug="bare", uri="https://mcp.example.com/bare", scopes=[], display_name="")

    document = oauth.http.get(f"{PLACE}/bare").json()

    assert {"resource", "authorization_servers", "bearer_methods_supported"} == set(document)


def test_a_resource_is_found_by_its_slug(oauth):
    make_resource(slug="files", uri="https://mcp.example.com/some/path")

    answer = oauth.http.get(f"{PLACE}/files")

    assert "https://mcp.example.com/some/path" == answer.json()["resource"]


@pytest.mark.parametrize("path", [PLACE, f"{PLACE}/", f"{PLACE}/account"])
def test_the_server_itself_is_a_resource(oauth, override_config, path):
    override_config(server={"issuer": "https://auth.example.com"})

    document = oauth.http.get(path).json()

    assert "https://auth.example.com" == document["resource"]
    assert ["openid", "email"] == document["scopes_supported"]


@pytest.mark.spec("RFC 9728", "3.3", "MUST", "a document is not another resource's")
@pytest.mark.parametrize(
    "path",
    [
        f"{PLACE}/nowhere",
        f"{PLACE}/mcp/deeper",
        f"{PLACE}/MCP",
        f"{PLACE}//mcp",
        f"{PLACE}/https://mcp.example.com/mcp",
        f"{PLACE}/mcp%00",
        f"{PLACE}/unaddressed",
    ],
)
def test_unknown_references_lead_nowhere(oauth, path):
    make_resource(slug="one", uri="https://mcp.example.com/mcp")
    make_resource(slug="unaddressed", uri="")

    answer = oauth.http.get(path)

    assert (404, "not_found") == (answer.status_code, answer.json()["error"])


def test_escapes_in_a_path_are_understood(client):
    make_resource(uri="https://mcp.example.com/f%C3%BCr")

    document = client.get(f"{PLACE}/f%c3%bcr").json()

    assert "https://mcp.example.com/f%C3%BCr" == document["resource"]


@pytest.mark.parametrize("reference", ["%FF", "%C0%AF", "mcp%FF", "%25FF"])
def test_bytes_that_are_no_text_lead_nowhere(client, reference):
    make_resource(uri=f"https://mcp.example.com/{reference}")

    assert 404 == client.get(f"{PLACE}/{reference}").status_code


class TestSharedPaths:
    """Two resources on different hosts with one path."""

    @pytest.fixture(autouse=True)
    def _resources(self, override_config):
        override_config(server={"issuer": "https://auth.example.com"})
        make_resource(slug="north", uri="https://north.example.com/mcp")
        make_resource(slug="south", uri="https://south.example.com:8443/mcp")

    @pytest.mark.parametrize(
        ("host", "slug"),
        [
            ("north.example.com", "north"),
            ("NORTH.example.com:443", "north"),
            ("south.example.com:8443", "south"),
        ],
    )
    def test_the_host_that_was_asked_decides(self, oauth, host, slug):
        answer = oauth.http.get(f"{PLACE}/mcp", headers={"Host": host})
        by_slug = oauth.http.get(f"{PLACE}/{slug}")

        assert by_slug.json()["resource"] == answer.json()["resource"]

    def test_without_its_host_an_ambiguous_path_leads_nowhere(self, oauth):
        headers = {"Host": "auth.example.com"}

        assert 404 == oauth.http.get(f"{PLACE}/mcp", headers=headers).status_code

    def test_a_resource_on_our_own_host_wins_over_a_slug(self, oauth):
        make_resource(slug="mcp", uri="https://elsewhere.example.com/x")
        make_resource(slug="ours", uri="https://auth.example.com/mcp")

        document = oauth.http.get(f"{PLACE}/mcp", headers={"Host": "inside:9000"}).json()

        assert "https://auth.example.com/mcp" == document["resource"]


def test_a_removed_resource_is_gone(oauth):
    row = make_resource(slug="files")
    assert 200 == oauth.http.get(f"{PLACE}/files").status_code

    row.delete()

    assert 404 == oauth.http.get(f"{PLACE}/files").status_code


def test_names_nobody_registered_cost_no_statement(oauth, query_budget):
    oauth.http.get(f"{PLACE}/one")

    with query_budget(0):
        for number in range(20):
            assert 404 == oauth.http.get(f"{PLACE}/guess-{number}").status_code


def test_head_and_conditional_requests_are_understood(oauth):
    make_resource(slug="files")
    got = oauth.http.get(f"{PLACE}/files")

    asked = oauth.http.head(f"{PLACE}/files")
    again = oauth.http.get(f"{PLACE}/files", headers={"If-None-Match": got.headers["etag"]})

    assert (200, got.headers["etag"]) == (asked.status_code, asked.headers["etag"])
    assert (304, b"") == (again.status_code, again.content)


def test_metadata_can_only_be_read(oauth):
    answer = oauth.http.post(PLACE)

    assert (405, "GET, HEAD") == (answer.status_code, answer.headers["allow"])
