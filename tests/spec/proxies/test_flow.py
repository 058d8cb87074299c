"""From registration to tokens through a proxy: what each side sees."""

from __future__ import annotations

import re

import pytest

from audit.models import AuditEvent
from authplane.core import clock
from broker.models import Connection, ConnectState, GatewaySession, ProxyConsent
from broker.proxies.selectors import view_of
from broker.proxies.verification import holder_of
from oauth.models import AccessToken, AuthorizationCode, AuthorizationRequest, TokenFamily
from tests.support.connecting import Browser, title_of
from tests.support.factories import make_user, person
from tests.support.proxies import BASE, REDIRECT, TARGET, Gateway, answered, left, make_proxy
from tests.support.upstream import make_connection, make_provider, rises


@pytest.mark.spec(
    "OAuth proxy", "X1", "MUST", "each proxy registers clients and tells their secret once"
)
def test_a_client_registers_and_is_told_its_secret_once(gateway):
    answer = gateway.register(token_endpoint_auth_method="client_secret_basic", scope="read")

    told = answer.json()
    assert answer.status_code == 201
    assert re.fullmatch(r"gateway_[0-9a-f]{16}", told["client_id"])
    assert re.fullmatch(r"gw_secret_[0-9a-f]{64}", told["client_secret"])
    assert told["client_secret_expires_at"] == 0
    assert told["redirect_uris"] == [REDIRECT]
    assert told["token_endpoint_auth_method"] == "client_secret_basic"
    assert told["grant_types"] == ["authorization_code", "refresh_token"]
    assert told["response_types"] == ["code"]
    assert told["scope"] == "read"
    assert told["authorization_url"] == f"{gateway.issuer}/authorize"
    assert answer.headers["cache-control"] == "no-store"


def test_only_redirect_uris_are_required(gateway):
    answer = gateway.http.post(f"{gateway.root}/register", json={"redirect_uris": [REDIRECT]})

    assert answer.status_code == 201
    assert answer.json()["token_endpoint_auth_method"] == "client_secret_post"


def test_a_public_client_gets_no_secret_and_its_tokens(gateway):
    told = gateway.register(token_endpoint_auth_method="none").json()

    assert "client_secret" not in told
    assert gateway.tokens()["token_type"] == "Bearer"


@pytest.mark.spec(
    "OAuth proxy", "X5", "MUST", "the hop to the service has PKCE and state of its own"
)
@pytest.mark.shows("audit event", "oauth_proxy.consent_granted")
def test_the_whole_way(gateway, browser, upstream, user):
    consented = gateway.consent(gateway.ask(scope="read write"))
    hop = left(consented)
    assert hop["redirect_uri"] == f"{BASE}/api/v1/oauth/callback"
    assert hop["client_id"] == "our-client"
    assert hop["code_challenge_method"] == "S256"
    assert hop["code_challenge"] != gateway.sent["code_challenge"]
    assert hop["state"] != gateway.sent["state"]
    assert hop["scope"] == "read write"

    back = browser.come_back(hop)
    assert back.headers["location"].startswith(f"{REDIRECT}?")
    told = answered(back)
    assert told.pop("code")
    assert told == {"state": "of-the-client", "iss": gateway.issuer}
    assert upstream.count("authorization_code") == 1
    assert Connection.objects.get().user_id == user.pk
    session = GatewaySession.objects.get()
    assert session.connection == Connection.objects.get()
    assert not AuthorizationRequest.objects.exists()
    assert ConnectState.objects.get().outcome == "connected"
    assert AuditEvent.objects.filter(action="oauth_proxy.consent_granted").count() == 1


@pytest.mark.spec(
    "OAuth proxy", "X9", "MUST", "tokens are signed, with audience and id of their own"
)
@pytest.mark.shows("metric", "oauth_proxy_registrations_total", "oauth_proxy_tokens_issued_total")
def test_the_tokens(gateway, user, oauth):
    with rises("oauth_proxy_registrations_total", proxy="forge-1", status="registered"):
        gateway.register()
    with rises("oauth_proxy_tokens_issued_total", proxy="forge-1", grant="authorization_code"):
        tokens = gateway.tokens()

    assert tokens["expires_in"] == 3600
    assert tokens["scope"] == "read write"
    assert re.fullmatch(r"gw_refresh_[\w-]{43}", tokens["refresh_token"])
    keys = gateway.http.get(f"{gateway.root}/jwks.json").json()
    assert keys == oauth.http.get("/.well-known/jwks.json").json()
    claims = claims_of(tokens["access_token"], keys, issuer=gateway.issuer)
    assert claims["aud"] == [TARGET]
    assert claims["sub"] == str(user.pk)
    assert claims["client_id"] == gateway.client_id
    assert claims["scope"] == "read write"
    assert claims["exp"] - claims["iat"] == 3600
    row = AccessToken.objects.get()
    assert str(row.pk) == claims["jti"]
    assert row.issuer == gateway.root
    assert TokenFamily.objects.get().issuer == gateway.root
    assert GatewaySession.objects.get().family_id == row.family_id
    holder = holder_of(view_of(gateway.proxy), tokens["access_token"], now=clock.now())
    assert holder is not None
    assert (holder.user_id, holder.client_id) == (user.pk, gateway.client_id)
    assert holder.scopes == ("read", "write")


def test_a_hop_is_spared_a_user_who_is_connected(gateway, provider, user):
    make_connection(provider, user)

    told = answered(gateway.consent(gateway.ask()))

    assert gateway.redeem(told["code"]).status_code == 200
    assert not ConnectState.objects.exists()


def test_a_connection_with_fewer_scopes_is_widened(gateway, browser, provider, user):
    from broker.connections.services import store_credential
    from broker.upstream.base import TokenAnswer

    store_credential(
        user_id=user.pk, provider_id=provider.pk, now=clock.now(), requested=("read",),
        answer=TokenAnswer(access_token="at", refresh_token="rt-0", expires_in=3600),
    )  # fmt: skip

    assert answered(browser.come_back(gateway.hop()))["code"]
    assert set(Connection.objects.get().scopes_granted) == {"read", "write"}


@pytest.mark.spec(
    "OAuth proxy", "X7", "MUST", "consent is per client, remembered, and can be taken back"
)
def test_consent_is_asked_for_each_client_and_remembered_for_each(gateway, browser, proxy):
    gateway.tokens()
    again = gateway.ask()
    assert answered(again)["code"]

    other = Gateway(proxy, browser)
    other.register(client_name="Another")
    asked = other.ask()
    assert asked.headers["location"].startswith("/consent/proxy?")
    page = browser.get(asked.headers["location"])
    assert title_of(page) == "Allow Another to use Forge files?"
    assert "app.example.com" in page.text
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert page.headers["x-frame-options"] == "DENY"


@pytest.mark.parametrize("redirect", ["http://localhost:4711/callback", "vscode://desk/back"])
def test_consent_is_asked_each_time_where_the_redirect_can_be_taken(gateway, redirect):
    gateway.redirect = redirect
    gateway.register()
    gateway.tokens()

    assert gateway.ask().headers["location"].startswith("/consent/proxy?")


def test_a_proxy_without_consent_goes_to_the_service_at_once(provider, browser):
    gateway = Gateway(make_proxy(provider, require_consent=False), browser)
    gateway.register()

    hop = left(gateway.ask())

    assert answered(browser.come_back(hop))["code"]
    assert not ProxyConsent.objects.exists()


@pytest.mark.spec(
    "OAuth proxy", "X6", "MUST", "one callback serves all services, told apart by state"
)
def test_two_services_send_users_back_to_the_same_address(gateway, browser, upstream):
    second = Gateway(make_proxy(make_provider(upstream)), browser)
    second.register()

    first_hop, second_hop = gateway.hop(), second.hop()

    assert first_hop["redirect_uri"] == second_hop["redirect_uri"]
    assert answered(browser.come_back(second_hop))["iss"] == second.issuer
    assert answered(browser.come_back(first_hop))["iss"] == gateway.issuer
    assert Connection.objects.count() == 2


def test_who_is_not_signed_in_signs_in_first(oauth, proxy, user, upstream):
    gateway = Gateway(proxy, Browser(oauth.sibling(), person(user)))
    gateway.register()
    asked = gateway.ask()
    assert asked.headers["location"].startswith("/login?")

    page = gateway.browser.get(asked.headers["location"])
    after = gateway.browser.client.submit_sign_in(page, gateway.browser.person)
    hop = left(gateway.consent(gateway.browser.get(after.headers["location"])))

    assert answered(gateway.browser.come_back(hop))["code"]


def test_after_signing_in_a_page_stands_before_the_service(provider, oauth, user):
    """Browsers hold the sign-in form's policy against every redirect that follows its post."""
    gateway = Gateway(
        make_proxy(provider, require_consent=False), Browser(oauth.sibling(), person(user))
    )
    gateway.register()
    page = gateway.browser.get(gateway.ask().headers["location"])
    after = gateway.browser.client.submit_sign_in(page, gateway.browser.person)
    paused = gateway.browser.get(after.headers["location"])

    assert paused.status_code == 200
    assert title_of(paused) == "On to Forge"
    assert paused.headers["referrer-policy"] == "no-referrer"
    assert answered(gateway.browser.come_back(left(paused)))["code"]


@pytest.mark.spec("Negative tests", "D8.20", "MUST", "a redirect URI keeps its query")
def test_a_redirect_uri_keeps_its_query(provider, browser):
    redirect = f"{REDIRECT}?tenant=7"
    gateway = Gateway(make_proxy(provider, allowed_redirects=[redirect]), browser, redirect)
    gateway.register()

    back = browser.come_back(gateway.hop())

    assert back.headers["location"].startswith(f"{redirect}&code=")


def test_only_what_was_ticked_is_granted(gateway, browser):
    hop = left(gateway.consent(gateway.ask(), ticked={"read"}))

    tokens = gateway.redeem(answered(browser.come_back(hop))["code"]).json()

    assert hop["scope"] == "read"
    assert tokens["scope"] == "read"


def test_a_token_lives_no_longer_than_what_it_stands_for(gateway, upstream):
    upstream.gives_refresh, upstream.expires_in = False, 600

    assert 0 < gateway.tokens()["expires_in"] <= 600


@pytest.mark.shows("setting", "proxies.session_ttl")
def test_a_session_ends_for_good(gateway, override_config):
    override_config(proxies={"session_ttl": 900})
    tokens = gateway.tokens()

    assert tokens["expires_in"] <= 900
    family, session = TokenFamily.objects.get(), GatewaySession.objects.get()
    assert family.expires_at == session.expires_at


def test_a_double_click_on_allow_yields_one_code(gateway, browser):
    page = browser.get(gateway.ask().headers["location"])
    first = left(browser.client.submit_consent(page))
    second = left(browser.client.submit_consent(page))

    assert answered(browser.come_back(second))["code"]
    assert browser.come_back(first).status_code == 400
    assert AuthorizationCode.objects.count() == 1


def test_another_user_cannot_answer(gateway, oauth):
    asked = gateway.ask()
    stranger = Browser(oauth.sibling(), person(make_user()))
    stranger.sign_in()

    assert stranger.get(asked.headers["location"]).status_code == 400


def claims_of(token, keys, *, issuer):
    """The claims of a token that these keys signed for this issuer."""
    import jwt

    header = jwt.get_unverified_header(token)
    assert (header["typ"], header["alg"]) == ("at+jwt", "ES256")
    key = next(one for one in keys["keys"] if one["kid"] == header["kid"])
    return jwt.decode(
        token, jwt.PyJWK(key), algorithms=["ES256"], issuer=issuer, audience=TARGET,
    )  # fmt: skip
