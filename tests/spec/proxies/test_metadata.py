"""Where the documents of a proxy are found, and what they say."""

from __future__ import annotations

import pytest

from tests.support.factories import make_resource
from tests.support.proxies import BASE, make_proxy

AS = "/.well-known/oauth-authorization-server"
PRM = "/.well-known/oauth-protected-resource"


@pytest.mark.spec(
    "OAuth proxy", "X3", "MUST", "each proxy has metadata of its own, the same at each place"
)
def test_every_place_holds_the_same_document(oauth, proxy):
    root = f"/api/v1/oauth-proxy/{proxy.pk}"
    places = [
        f"{AS}{root}",
        f"{AS}?proxy_id={proxy.pk}",
        f"/.well-known/openid-configuration{root}",
        f"{root}/.well-known/openid-configuration",
    ]
    answers = [oauth.http.get(place) for place in places]

    assert [answer.status_code for answer in answers] == [200] * 4
    assert len({answer.text for answer in answers}) == 1
    document = answers[0].json()
    issuer = f"{BASE}{root}"
    assert document["issuer"] == issuer
    for name in ("authorize", "token", "register", "revoke", "introspect", "jwks.json"):
        assert f"{issuer}/{name}" in document.values()
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert document["grant_types_supported"] == ["authorization_code", "refresh_token"]
    assert document["scopes_supported"] == ["read", "write"]
    assert document["authorization_response_iss_parameter_supported"] is True
    assert answers[0].headers["access-control-allow-origin"] == "*"
    again = oauth.http.get(places[0], headers={"If-None-Match": answers[0].headers["etag"]})
    assert again.status_code == 304


@pytest.mark.parametrize("number", ["0", "99", "x", "-1", "", "1" * 40, "1/x"])
def test_unknown_proxies_have_none(oauth, proxy, number):
    assert oauth.http.get(f"{AS}?proxy_id={number}").status_code == 404
    assert oauth.http.get(f"{AS}/api/v1/oauth-proxy/{number}").status_code == 404


def test_the_servers_own_documents_stay(oauth, proxy):
    assert oauth.http.get(AS).json()["issuer"] == BASE
    assert oauth.http.get(f"{AS}/elsewhere").status_code == 404


@pytest.mark.spec("OAuth proxy", "X4", "MUST", "the resource points at its proxy's issuer")
def test_the_resource_points_at_its_issuer(oauth, proxy):
    issuer = f"{BASE}/api/v1/oauth-proxy/{proxy.pk}"
    for place in (f"{PRM}/forge", f"{PRM}?proxy_id={proxy.pk}", f"{PRM}/{proxy.slug}"):
        document = oauth.http.get(place).json()
        assert document["resource"] == proxy.target_url
        assert document["authorization_servers"] == [issuer]
        assert document["scopes_supported"] == ["read", "write"]


def test_a_registered_resource_goes_before_a_proxy_on_another_host(oauth, proxy, provider):
    make_resource(slug="own", uri="https://own.example.com/forge", display_name="Own")
    from oauth.resources import selectors

    selectors.drop()
    assert oauth.http.get(f"{PRM}/forge").json()["resource_name"] == "Own"
    at_host = oauth.http.get(f"{PRM}/forge", headers={"Host": "mcp.example.com"})
    if at_host.status_code == 200:
        assert at_host.json()["resource"] == proxy.target_url
    make_proxy(provider, slug="second", target_url=f"{BASE}/mcp/second")
    assert oauth.http.get(f"{PRM}/mcp/second").json()["resource"] == f"{BASE}/mcp/second"
