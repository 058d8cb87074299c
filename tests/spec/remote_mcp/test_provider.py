"""A remote MCP server as a provider: connected at /connect, and its tokens vended."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest

from broker.models import Connection, ConnectState, ProviderConfig
from broker.providers import selectors
from broker.providers.services import patch_provider
from tests.support.connecting import OWN_PAGE, Browser, make_forge, title_of
from tests.support.factories import person
from tests.support.remote import make_mcp_provider


@pytest.fixture
def provider(remote):
    return make_mcp_provider(remote.mcp)


@pytest.fixture
def linked(delegation, provider):
    from oauth.models import FrontingLink
    from oauth.resources import fronting

    forge = make_forge(provider)
    FrontingLink.objects.create(
        source=delegation.front,
        target=forge,
        scope_map={"read": ["read"], "write": ["read", "write"]},
    )
    fronting.drop()
    return delegation


@pytest.fixture
def browser(oauth, user, provider):
    make_forge(provider)
    made = Browser(oauth, person(user))
    made.sign_in()
    return made


def test_from_the_refused_exchange_to_the_token(linked, remote):
    subject = linked.subject_token()

    def exchange():
        return linked.gateway.exchange(subject, resource="forge", scope="read")

    refused = exchange()
    assert refused.json()["cause"] == "consent_missing"
    browser = Browser(linked.agent, linked.scene.person)
    url = urlsplit(refused.json()["consent_url"])
    left = browser.get(f"{url.path}?{url.query}")
    sent = dict(parse_qsl(urlsplit(left.headers["location"]).query))
    assert left.headers["location"].startswith(f"{remote.url}/authorize?")
    assert (sent["resource"], sent["client_id"]) == (remote.mcp, "client-1")
    assert browser.come_back(sent).headers["location"].endswith("/connections")

    vended = exchange()
    assert vended.status_code == 200, vended.text
    assert vended.json()["access_token"] in remote.given
    assert remote.asked[-1]["form"]["resource"] == remote.mcp
    assert len(remote.registered) == 1


def test_what_it_is_asked(browser, remote):
    sent = browser.leave("tools")
    assert sent["scope"] == "read repo:write"
    assert sent["redirect_uri"] == "http://localhost:9000/connect/tools/callback"
    assert remote.registered[0]["redirect_uris"] == [sent["redirect_uri"]]
    assert sent["code_challenge_method"] == "S256"


def test_scopes_where_the_resource_names_none(browser, remote, provider):
    from oauth.models import Resource
    from oauth.resources import selectors as resources

    Resource.objects.filter(slug="forge").update(scopes=[])
    resources.drop()
    assert browser.leave("tools")["scope"] == "read write"
    patch_provider(provider.pk, {"config_data": provider.config_data | {"scopes": ["own"]}})
    assert browser.leave("tools")["scope"] == "own"


def test_a_server_that_is_not_believed(browser, remote):
    remote.server_overrides = {"code_challenge_methods_supported": None}
    remote.publish()
    page = browser.get(browser.link("tools"))
    assert page.status_code == 503
    assert title_of(page) == "The service cannot be reached now"
    assert not ConnectState.objects.exists()


@pytest.mark.spec("Negative tests", "D8.6", "MUST", "an answer of another issuer is refused")
def test_an_answer_of_another_issuer(browser, remote):
    sent = browser.leave("tools")
    page = browser.come_back(sent, code="c", iss="https://evil.example")
    assert page.status_code == 400
    assert not Connection.objects.exists()


def test_what_changed_under_way(browser, remote):
    sent = browser.leave("tools")
    ProviderConfig.objects.update(issuer="https://other.example")
    assert browser.come_back(sent).status_code == 503
    assert remote.count("authorization_code") == 0


def test_another_url_is_another_server(browser, remote, provider):
    assert browser.come_back(browser.leave("tools")).headers["location"] == OWN_PAGE
    patch_provider(provider.pk, {"config_data": {"url": f"{remote.url}/other"}})
    selectors.drop()
    remote.path = "/other"
    remote.publish()
    assert browser.leave("tools")["resource"] == f"{remote.url}/other"
    assert Connection.objects.get().status == "reauth_required"
    assert len(remote.registered) == 1


@pytest.mark.parametrize(
    "config_data", [{"client_secret_ref": "CONNECTOR_X"}, {"issuer": "nothing"}, {"pkce": "no"}]
)
def test_configurations_that_are_refused(remote, config_data):
    from broker.errors import BadProvider

    with pytest.raises(BadProvider):
        make_mcp_provider(remote.mcp, **config_data)
