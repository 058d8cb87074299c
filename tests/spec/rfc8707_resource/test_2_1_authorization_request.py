"""The resource an authorization request is for."""

from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support import factories

UNKNOWN = ("RFC 8707", "2", "MUST", "an unknown resource is invalid_target")
CHECKED = ("RFC 8707", "2.1", "MUST", "resource at the authorization endpoint is checked")


@pytest.fixture
def resource(db):
    return factories.make_resource(slug="notes", uri="https://notes.example.com/mcp")


@pytest.fixture
def client(oauth, resource):
    return factories.driver_for(factories.make_client(), base=oauth, resource=resource.uri)


def error(response):
    return parse_qs(urlsplit(response.headers["location"]).query)["error"][0]


@pytest.mark.spec(*UNKNOWN)
@pytest.mark.spec(*CHECKED)
@pytest.mark.parametrize(
    "named",
    [
        "https://unknown.example.com/mcp",
        "https://notes.example.com/",
        "https://notes.example.com/mcp/v2",
        "https://notes.example.com/MCP",
        "https://notes.example.com/mcp#x",
        "http://notes.example.com/mcp",
        "https://notes.example.com:8443/mcp",
        "unknown-slug",
        "%",
    ],
)
def test_a_resource_that_is_not_registered(client, named):
    assert error(client.start(resource=named)) == "invalid_target"


@pytest.mark.parametrize(
    "named",
    [
        "https://notes.example.com/mcp",
        "https://notes.example.com/mcp/",
        "https://NOTES.example.com/mcp",
        "HTTPS://notes.example.com:443/mcp",
        "notes",
    ],
)
def test_the_audience_is_the_registered_form(client, named):
    from oauth.models import AuthorizationCode

    client.authorize(factories.person(factories.make_user()), resource=named)

    assert AuthorizationCode.objects.get().resource == "https://notes.example.com/mcp"


def test_several_names_of_one_resource_are_one(client):
    several = ["notes", "https://notes.example.com/mcp", "https://notes.example.com/mcp/"]

    assert client.start(resource=several).headers["location"].startswith("/login?")


@pytest.mark.spec(*CHECKED)
def test_two_resources_at_once_are_refused(client):
    other = factories.make_resource()

    assert error(client.start(resource=["notes", other.uri])) == "invalid_target"
    assert error(client.start(resource="notes", audience=other.uri)) == "invalid_target"


@pytest.mark.spec(*CHECKED)
def test_one_unknown_name_among_known_ones_is_refused(client):
    assert error(client.start(resource=["notes", "https://unknown.example/"])) == "invalid_target"


def test_audience_is_read_as_an_alias(client):
    from oauth.models import AuthorizationCode

    client.authorize(factories.person(factories.make_user()), resource=None, audience="notes")

    assert AuthorizationCode.objects.get().resource == "https://notes.example.com/mcp"
