"""What the client may ask for, and how it is answered once it is trusted."""

from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.support import factories


def pairs(response):
    assert response.status_code == 303
    return parse_qsl(urlsplit(response.headers["location"]).query)


def error(response):
    return dict(pairs(response))["error"]


@pytest.mark.spec("RFC 6749", "4.1.1", "MUST", "response_type is code")
@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, "invalid_request"),
        ("token", "unsupported_response_type"),
        ("id_token", "unsupported_response_type"),
        ("code id_token", "unsupported_response_type"),
        ("CODE", "unsupported_response_type"),
    ],
)
def test_only_a_code_can_be_asked_for(client, value, code):
    assert error(client.start(response_type=value)) == code


@pytest.mark.parametrize("mode", ["fragment", "form_post", "query.jwt"])
def test_a_code_travels_in_the_query_only(client, mode):
    assert error(client.start(response_mode=mode)) == "invalid_request"


def test_a_request_that_stands_at_an_address_is_refused_not_overlooked(client):
    elsewhere = "https://client.example.com/request.jwt"

    assert error(client.start(request_uri=elsewhere)) == "request_uri_not_supported"


def test_the_query_may_be_named(client):
    assert client.start(response_mode="query").headers["location"].startswith("/login?")


def test_a_client_without_the_grant_is_refused(oauth, resource):
    client = factories.make_client(grant_types=["client_credentials"])
    driver = factories.driver_for(client, base=oauth, resource=resource.uri)

    assert error(driver.start()) == "unauthorized_client"


@pytest.mark.spec("RFC 6749", "4.1.2", "MUST", "state is returned unchanged")
@pytest.mark.parametrize("state", ["abc", "a b+c%20&=#?/:", "état-✓", '{"a":1}'])
def test_state_comes_back_as_it_was_sent(client, user, state):
    allowed = client.authorize(factories.person(user), state=state)
    refused = client.start(response_type="token", state=state)

    assert allowed.parameters["state"] == state
    assert dict(pairs(refused))["state"] == state


def test_no_state_is_no_state(client, user):
    assert "state" not in client.authorize(factories.person(user), state=None).parameters


def test_answers_carry_nothing_but_the_documented_parameters(client, user):
    refused = client.start(code_challenge=None)

    assert [name for name, _ in pairs(refused)] == ["error", "error_description", "iss", "state"]
    assert set(client.authorize(factories.person(user)).parameters) == {"code", "iss", "state"}


@pytest.mark.spec("RFC 9700", "4.12", "SHOULD", "redirects after a form use 303")
def test_every_redirect_is_303(client, user):
    """Refusals as well: a 307 would make the browser post the password to the client."""
    login = client.http.get(client.start().headers["location"])
    back = client.submit_sign_in(login, factories.person(user))
    to_page = client.http.get(back.headers["location"])
    page = client.http.get(to_page.headers["location"])
    answer = client.submit_consent(page, allow=False)

    assert [r.status_code for r in (back, to_page, answer)] == [303, 303, 303]
    assert "error=access_denied" in answer.headers["location"]


@pytest.mark.parametrize(
    ("scope", "code"),
    [
        ("read nonsense", "invalid_scope"),
        ("READ", "invalid_scope"),
        ('re"ad', "invalid_scope"),
        ("rëad", "invalid_scope"),
    ],
)
def test_a_scope_that_the_resource_does_not_have_is_refused(client, scope, code):
    assert error(client.start(scope=scope)) == code


def test_a_scope_beyond_the_ceiling_is_refused(oauth, resource):
    client = factories.make_client(scope="read")
    driver = factories.driver_for(client, base=oauth, resource=resource.uri)

    assert error(driver.start(scope="read write")) == "invalid_scope"
    assert driver.start(scope="read").headers["location"].startswith("/login?")


def test_no_scope_means_the_default_set_within_the_ceiling(client, user):
    from oauth.models import AuthorizationCode

    client.authorize(factories.person(user), scope=None)

    assert AuthorizationCode.objects.get().scope == "read"


@pytest.mark.shows("setting", "oauth.require_scope")
def test_no_scope_is_refused_where_the_operator_requires_one(client, override_config):
    override_config(oauth={"require_scope": True})

    assert error(client.start(scope=None)) == "invalid_scope"


@pytest.mark.parametrize("scope", ["read offline_access", "offline_access read"])
def test_offline_access_is_accepted_and_never_granted(client, user, scope):
    from oauth.models import AuthorizationCode, ConsentGrant

    client.authorize(factories.person(user), scope=scope)

    assert AuthorizationCode.objects.get().scope == "read"
    assert ConsentGrant.objects.get().scopes == ["read"]


def test_offline_access_alone_means_the_default_set(client, user):
    from oauth.models import AuthorizationCode

    client.authorize(factories.person(user), scope="offline_access")

    assert AuthorizationCode.objects.get().scope == "read"


def test_offline_access_does_not_count_against_the_ceiling(oauth, resource):
    client = factories.make_client(scope="read")
    driver = factories.driver_for(client, base=oauth, resource=resource.uri)

    assert driver.start(scope="read offline_access").headers["location"].startswith("/login?")


def test_a_refusal_writes_nothing(client, user):
    from oauth.models import AuthorizationCode, AuthorizationRequest

    client.sign_in(factories.person(user))
    for wrong in ({"response_type": "token"}, {"code_challenge": None}, {"scope": "nonsense"}):
        assert "error=" in client.start(**wrong).headers["location"]

    assert AuthorizationRequest.objects.count() == AuthorizationCode.objects.count() == 0


@pytest.mark.spec("MCP 2025-03-26", "fallback endpoints", "MUST",
                  "authorize, token and register answer at the root")  # fmt: skip
def test_the_root_alias_judges_alike(client):
    path, _, _ = client.authorization_request(code_challenge=None)

    refused = client.http.get(path.replace("/oauth/authorize", "/authorize"))

    assert error(refused) == "invalid_request"
