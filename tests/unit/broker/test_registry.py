"""Which way of speaking belongs to a provider or a server."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from authplane.core import clock
from broker.connections.services import store_credential
from broker.models import Profile, Project, UpstreamConfig, UpstreamServer
from broker.providers.selectors import provider_by_id
from broker.providers.settings import OAuthSettings
from broker.refresh.engine import ensure_fresh
from broker.upstream.base import NotSent, TokenAnswer
from broker.upstream.issuer import endpoints_of
from broker.upstream.registry import OAuthAdapter, adapter_for
from tests.support.factories import make_user
from tests.support.published import internet
from tests.support.upstream import ALLOWED, make_provider, running_upstream

ISSUER = "https://idp.example"
DOCUMENT = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/authorize",
    "token_endpoint": f"{ISSUER}/token",
    "revocation_endpoint": "http://idp.example/in-clear",
}


@pytest.fixture
def upstream(override_config):
    override_config(broker=ALLOWED)
    with running_upstream() as world:
        yield world


def by_issuer(**members):
    return OAuthSettings(
        client_id="c", issuer=ISSUER, **{"authorize_url": "", "token_url": ""} | members
    )


def test_endpoints_come_from_the_issuer_where_they_are_left_out(monkeypatch):
    with internet(monkeypatch) as world:
        world.publish("/.well-known/openid-configuration", DOCUMENT)
        found = endpoints_of(by_issuer())
        own = endpoints_of(by_issuer(token_url="https://other.example/token"))
        endpoints_of(by_issuer())

        assert (f"{ISSUER}/authorize", f"{ISSUER}/token", "") == (
            found.authorize_url, found.token_url, found.revoke_url,
        )  # fmt: skip
        assert own.token_url == "https://other.example/token"
        assert len(world.asked) == 1


@pytest.mark.parametrize(
    "document",
    [
        DOCUMENT | {"issuer": "https://evil.example"},
        DOCUMENT | {"token_endpoint": "http://idp.example/token"},
        DOCUMENT | {"token_endpoint": 7},
        ["no", "object"],
    ],
)
def test_a_document_of_somebody_else_is_not_believed(monkeypatch, document):
    with internet(monkeypatch) as world:
        world.publish("/.well-known/openid-configuration", document)
        with pytest.raises(NotSent):
            endpoints_of(by_issuer())


@pytest.mark.django_db
def test_an_adapter_goes_all_the_way_from_consent_to_revocation(upstream):
    provider = provider_by_id(make_provider(upstream, extra_scopes=["offline_access"]).pk)
    adapter = adapter_for(provider)
    assert isinstance(adapter, OAuthAdapter)

    url = adapter.authorize_url(
        redirect_uri="https://as.example/cb", state="s", challenge="c", scopes=("read",)
    )
    answer = adapter.exchange_code("code", verifier="v", redirect_uri="https://as.example/cb")

    assert "scope=read+offline_access" in url
    assert "code_challenge=c&code_challenge_method=S256" in url
    assert "nonce=" not in url
    assert ("code", "v", "https://as.example/cb") == tuple(
        upstream.asked[0]["form"][name] for name in ("code", "code_verifier", "redirect_uri")
    )
    assert adapter.revoke(str(answer.refresh_token), hint="refresh_token")
    assert upstream.revoked == [answer.refresh_token]


@pytest.mark.django_db
@pytest.mark.parametrize(("extra", "nonces"), [({}, 2), ({"nonce": "of-the-operator"}, 1)])
def test_openid_comes_with_a_nonce(upstream, extra, nonces):
    row = make_provider(upstream, extra_scopes=["openid"], extra_auth_params=extra)
    adapter = adapter_for(provider_by_id(row.pk))

    seen = {
        parse_qs(urlsplit(url).query)["nonce"][0]
        for url in (
            adapter.authorize_url(redirect_uri="https://a/", state="s", challenge="c", scopes=())
            for _ in range(2)
        )
    }

    assert nonces == len(seen)


@pytest.mark.django_db
def test_tokens_of_a_server_are_kept_and_asked_for_by_its_name(upstream):
    user = make_user()
    project = Project.objects.create(user=user, name="p")
    server = UpstreamServer.objects.create(
        profile=Profile.objects.create(project=project, name="d"), url=f"{upstream.url}/mcp"
    )
    UpstreamConfig.objects.create(
        server=server,
        resource_identifier=f"{upstream.url}/mcp",
        token_endpoint=f"{upstream.url}/token",
        authorization_endpoint=f"{upstream.url}/authorize",
        client_id="https://as.example/client",
    )
    row = store_credential(
        user_id=user.pk, server_id=server.pk, now=clock.now(),
        answer=TokenAnswer(access_token="at-0", refresh_token="rt-0", expires_in=30),
    )  # fmt: skip

    first = ensure_fresh(row.pk, margin=60, now=clock.now())
    second = ensure_fresh(row.pk, margin=60, now=clock.now())

    assert first.value == second.value != "at-0"
    (request,) = upstream.asked
    assert (f"{upstream.url}/mcp", "https://as.example/client") == (
        request["form"]["resource"], request["form"]["client_id"],
    )  # fmt: skip
