"""Redirects to programs on the user's own computer."""

import pytest

from tests.support import factories

PORT = ("RFC 8252", "7.3", "MUST", "the port of a loopback redirect may vary")
NAMES = ("RFC 8252", "8.3", "SHOULD", "loopback host names are not interchangeable")
CONSENT = ("RFC 8252", "8.6", "SHOULD", "consent is not skipped for loopback redirects")
HOST_SHOWN = ("MCP 2026-07-28", "client id metadata documents", "MUST",
              "the redirect host is shown at consent")  # fmt: skip
WARNED = ("MCP 2026-07-28", "client id metadata documents", "SHOULD",
          "loopback-only clients are shown with a warning")  # fmt: skip


def driver(oauth, registered, presented):
    resource = factories.make_resource()
    return factories.driver_for(
        factories.make_client(redirect_uris=registered),
        base=oauth, resource=resource.uri, redirect_uri=presented,
    )  # fmt: skip


def trusted(oauth, registered, presented):
    answer = driver(oauth, registered, presented).start()
    assert answer.status_code in {303, 400}
    return answer.status_code == 303


@pytest.mark.spec("Plugged.in", "P25", "MUST", "loopback alone may use any port")
@pytest.mark.spec(*PORT)
@pytest.mark.parametrize(
    ("registered", "presented"),
    [
        ("http://localhost/callback", "http://localhost:51234/callback"),
        ("http://127.0.0.1/callback", "http://127.0.0.1:1/callback"),
        ("http://127.0.0.1:3000/cb?a=b", "http://127.0.0.1:4000/cb?a=b"),
        ("http://[::1]/callback", "http://[::1]:51234/callback"),
        ("http://localhost:3000/callback", "http://localhost/callback"),
    ],
)
def test_any_port_of_a_registered_loopback_address(oauth, registered, presented):
    assert trusted(oauth, registered, presented)


@pytest.mark.spec("Plugged.in", "P25", "MUST", "loopback alone may use any port")
@pytest.mark.spec(*PORT)
@pytest.mark.spec(*NAMES)
@pytest.mark.parametrize(
    ("registered", "presented"),
    [
        ("http://localhost/callback", "http://127.0.0.1:51234/callback"),
        ("http://127.0.0.1/callback", "http://localhost:51234/callback"),
        ("http://127.0.0.1/callback", "http://[::1]:51234/callback"),
        ("http://127.0.0.1/callback", "http://127.0.0.2:51234/callback"),
        ("http://127.0.0.1/callback", "http://127.1:51234/callback"),
        ("http://localhost/callback", "http://localhost:51234/other"),
        ("http://localhost/callback", "http://localhost:51234/callback?x=1"),
        ("http://localhost/callback", "http://localhost:51234@evil.example/callback"),
        ("http://localhost/callback", "http://localhost.evil.example:51234/callback"),
        ("http://localhost/callback", "https://localhost:51234/callback"),
        ("http://localhost/callback", "http://localhost:99999/callback"),
        ("https://app.example.com/cb", "https://app.example.com:8443/cb"),
    ],
)
def test_nothing_but_the_port_may_differ(oauth, registered, presented):
    assert not trusted(oauth, registered, presented)


@pytest.mark.spec(*CONSENT)
def test_remembered_consent_is_asked_again_on_loopback(oauth):
    """Whoever took the port last would inherit the consent given to another program."""
    client = driver(oauth, "http://localhost/cb", "http://localhost:4711/cb")
    person = factories.person(factories.make_user())
    client.authorize(person, scope="read")

    assert client.start(scope="read").headers["location"].startswith("/consent?")
    silent = client.start(scope="read", prompt="none").headers["location"]
    assert "error=interaction_required" in silent


@pytest.mark.spec(*HOST_SHOWN)
@pytest.mark.spec(*WARNED)
def test_the_page_names_the_address_and_warns(oauth):
    client = driver(oauth, "http://localhost/cb", "http://localhost:4711/cb")
    client.sign_in(factories.person(factories.make_user()))

    page = client.http.get(client.start().headers["location"])

    assert "localhost:4711" in page.text
    assert "no server can tell which program" in page.text
