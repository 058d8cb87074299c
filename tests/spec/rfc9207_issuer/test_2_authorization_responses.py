"""Every authorization response says who it is from, byte for byte."""

from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.support import factories

RULE = ("RFC 9207", "2", "MUST", "iss is in every authorization response, errors included")
MCP = ("MCP 2026-07-28", "issuer identification", "SHOULD",
       "iss is in success and error redirects")  # fmt: skip
ISSUER = "http://localhost:9000"


@pytest.fixture
def client(oauth):
    resource = factories.make_resource()
    return factories.driver_for(factories.make_client(), base=oauth, resource=resource.uri)


def issuers(response):
    query = parse_qsl(urlsplit(response.headers["location"]).query)
    return [value for name, value in query if name == "iss"]


@pytest.mark.spec(*RULE)
@pytest.mark.spec(*MCP)
@pytest.mark.parametrize(
    "wrong",
    [
        {"response_type": "token"},
        {"code_challenge": None},
        {"code_challenge_method": "plain"},
        {"resource": "https://unknown.example/"},
        {"scope": "nonsense"},
        {"prompt": "none"},
        {"max_age": "x"},
        {"state": None, "response_type": None},
    ],
)
def test_refusals_name_the_issuer_once(client, wrong):
    assert issuers(client.start(**wrong)) == [ISSUER]


@pytest.mark.spec(*RULE)
@pytest.mark.spec(*MCP)
@pytest.mark.parametrize("allow", [True, False])
def test_the_user_s_answer_names_the_issuer_once(client, allow):
    answer = client.authorize(factories.person(factories.make_user()), allow=allow)

    assert answer.parameters["iss"] == ISSUER


def test_the_host_header_does_not_name_the_issuer(client):
    path, _, _ = client.authorization_request(response_type="token")

    answer = client.http.get(path, headers={"Host": "127.0.0.1:1234"})
    foreign = client.http.get(path, headers={"Host": "evil.example"})

    assert issuers(answer) == [ISSUER]
    assert foreign.status_code == 400
    assert "evil.example" not in foreign.text


def test_an_iss_of_the_client_s_own_redirect_uri_stays_apart(oauth):
    """A client that registered `?iss=...` itself must not be able to speak in our name."""
    redirect = "https://app.example.com/cb?iss=https%3A%2F%2Fother.example"
    resource = factories.make_resource()
    client = factories.driver_for(
        factories.make_client(redirect_uris=redirect),
        base=oauth, resource=resource.uri, redirect_uri=redirect,
    )  # fmt: skip

    assert issuers(client.start(response_type="token"))[-1] == ISSUER
