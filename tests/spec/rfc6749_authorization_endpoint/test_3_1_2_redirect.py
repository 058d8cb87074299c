"""Where an answer may go. Until that is known, nothing goes anywhere."""

import pytest

from tests.support import factories

OPEN = ("RFC 6749", "3.1.2.4", "MUST", "an invalid redirect URI is never redirected to")
COMPARED = ("RFC 6749", "10.6", "MUST", "the redirect URI is compared with the registered one")
STRINGS = ("RFC 9700", "2.1", "MUST", "redirect URIs are compared as strings")
REGISTERED = "https://app.example.com/cb?tenant=1"

FOREIGN = [
    "https://evil.example/cb?tenant=1",
    "https://app.example.com.evil.example/cb?tenant=1",
    "https://app.example.com@evil.example/cb?tenant=1",
    "https://app.example.com/cb",
    "https://app.example.com/cb?tenant=1&next=2",
    "https://app.example.com/cb/?tenant=1",
    "https://app.example.com/CB?tenant=1",
    "https://app.example.com/./cb?tenant=1",
    "https://app.example.com/%63b?tenant=1",
    "https://app.example.com:443/cb?tenant=1",
    "https://APP.example.com/cb?tenant=1",
    "http://app.example.com/cb?tenant=1",
    "https://app.example.com/cb?tenant=1#x",
    "//app.example.com/cb?tenant=1",
    "javascript:alert(1)",
    "data:text/html,x",
    "x",
]


@pytest.fixture
def web(oauth, resource):
    client = factories.make_client(redirect_uris=REGISTERED)
    return factories.driver_for(client, base=oauth, resource=resource.uri, redirect_uri=REGISTERED)


@pytest.mark.spec(*OPEN)
@pytest.mark.spec(*COMPARED)
@pytest.mark.spec(*STRINGS)
@pytest.mark.spec("MCP 2026-07-28", "security: open redirection", "MUST",
                  "redirect URIs are compared exactly")  # fmt: skip
@pytest.mark.parametrize("redirect_uri", FOREIGN)
def test_any_other_spelling_ends_at_a_page(web, redirect_uri):
    response = web.start(redirect_uri=redirect_uri)

    assert response.status_code == 400
    assert "location" not in response.headers
    assert "Invalid Redirect URI" in response.text
    assert redirect_uri not in response.text or redirect_uri == "x"


@pytest.mark.spec(*OPEN)
def test_a_missing_redirect_uri_is_not_guessed(web):
    response = web.start(redirect_uri=None)

    assert (response.status_code, "location" in response.headers) == (400, False)


@pytest.mark.spec(*OPEN)
@pytest.mark.parametrize("client_id", [None, "", "unknown", "a" * 600, "ü", "' OR 1=1 --"])
def test_an_unknown_client_ends_at_a_page(web, client_id):
    response = web.start(client_id=client_id)

    assert response.status_code == 400
    assert "location" not in response.headers
    assert "Invalid Client" in response.text
    assert response.headers["content-type"].startswith("text/html")


@pytest.mark.spec(*OPEN)
@pytest.mark.parametrize("status", ["suspended", "revoked"])
def test_a_client_out_of_service_ends_at_a_page(oauth, resource, status):
    client = factories.make_client(status=status)
    driver = factories.driver_for(client, base=oauth, resource=resource.uri)

    response = driver.start()

    assert response.status_code == 403
    assert "Client Suspended" in response.text
    assert "location" not in response.headers


@pytest.mark.spec(*OPEN)
def test_the_redirect_uri_of_another_client_does_not_count(web, oauth, resource):
    other = factories.make_client(redirect_uris="https://other.example/cb")

    assert web.start(redirect_uri="https://other.example/cb").status_code == 400
    assert web.start(client_id=other.client_id).status_code == 400


def test_a_refusal_page_is_a_page_for_people(web):
    page = web.start(redirect_uri="https://evil.example/")

    assert page.headers["cache-control"] == "no-store"
    assert page.headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert page.headers["x-request-id"] in page.text
    assert "What you can do" in page.text
    assert "evil.example" not in page.text


def test_the_registered_query_is_kept(web, user):
    answer = web.authorize(factories.person(user))

    assert answer.parameters["tenant"] == "1"
    assert answer.code
