"""The challenge of the authorization request."""

from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support import factories

MISSING = ("RFC 7636", "4.3", "MUST", "a request without code_challenge is refused")
PLAIN = ("RFC 7636", "4.3", "MUST", "the plain method is refused")
PUBLIC = ("RFC 9700", "2.1.1", "MUST", "PKCE is required of public clients")


@pytest.fixture
def client(oauth):
    resource = factories.make_resource()
    return factories.driver_for(factories.make_client(), base=oauth, resource=resource.uri)


def error(response):
    return parse_qs(urlsplit(response.headers["location"]).query)["error"][0]


@pytest.mark.spec(*MISSING)
@pytest.mark.spec(*PUBLIC)
@pytest.mark.parametrize("challenge", [None, "", "short", "a" * 42, "a" * 44, "a" * 42 + "="])
def test_a_challenge_that_no_verifier_can_meet(client, challenge):
    assert error(client.start(code_challenge=challenge)) == "invalid_request"


@pytest.mark.spec(*PLAIN)
@pytest.mark.parametrize("method", [None, "", "plain", "s256", "S512"])
def test_every_method_but_s256(client, method):
    assert error(client.start(code_challenge_method=method)) == "invalid_request"


@pytest.mark.spec(*MISSING)
def test_confidential_clients_need_it_as_well(oauth):
    resource = factories.make_resource()
    row = factories.make_client(token_endpoint_auth_method="client_secret_basic")
    client = factories.driver_for(row, base=oauth, resource=resource.uri)

    assert error(client.start(code_challenge=None)) == "invalid_request"
