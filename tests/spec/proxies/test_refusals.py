"""What a proxy refuses, and that nothing has changed then."""

from __future__ import annotations

import base64
import hmac
import json
from datetime import timedelta
from hashlib import sha256

import pytest

from authplane.core import clock
from broker.models import Connection, ConnectState, GatewaySession, ProxyConsent
from broker.proxies import selectors
from broker.proxies.patterns import is_allowed
from broker.proxies.selectors import view_of
from broker.proxies.verification import holder_of
from oauth.models import AccessToken, AuthorizationCode, AuthorizationRequest, Client, TokenFamily
from tests.support.connecting import Browser, title_of
from tests.support.digests import nothing_changes
from tests.support.factories import (
    driver_for,
    make_client,
    make_confidential_client,
    make_user,
    person,
)
from tests.support.pages import form_with
from tests.support.proxies import REDIRECT, Gateway, answered, left, make_proxy
from tests.support.upstream import LEAK, make_connection


def refused(answer, status, error):
    assert answer.status_code == status, answer.text
    assert answer.json()["error"] == error
    assert answer.headers["cache-control"] == "no-store"
    return answer.json()


@pytest.mark.spec("OAuth proxy", "X2", "MUST", "redirect URIs that are not listed are refused")
@pytest.mark.parametrize(
    ("members", "error"),
    [
        ({"redirect_uris": ["https://evil"]}, "invalid_redirect_uri"),
        ({"redirect_uris": [REDIRECT, "https://evil.example/cb"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["cursor://desk/back"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["javascript:alert(1)"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["http://localhost.evil.example/callback"]}, "invalid_redirect_uri"),
        ({"redirect_uris": []}, "invalid_client_metadata"),
        ({"redirect_uris": "x"}, "invalid_client_metadata"),
        ({"grant_types": ["client_credentials"]}, "invalid_client_metadata"),
        ({"response_types": ["token"]}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": "private_key_jwt"}, "invalid_client_metadata"),
        ({"scope": 'a "b"'}, "invalid_client_metadata"),
    ],
)
def test_registrations(gateway, members, error):
    with nothing_changes():
        refused(gateway.register(**members), 400, error)


@pytest.mark.parametrize(
    ("pattern", "uri", "fits"),
    [
        ("http://localhost:*/callback", "http://localhost:5123/callback", True),
        ("http://localhost:*/callback", "http://localhost/callback", True),
        ("http://localhost:8080/callback", "http://localhost:9/callback", True),
        ("http://localhost:*/callback", "http://127.0.0.1:5123/callback", False),
        ("http://localhost:*/callback", "http://localhost:5123/callback/../x", False),
        ("http://localhost:*/callback", "http://localhost:5123/callback?x=1", False),
        ("http://localhost:*/callback", "http://localhost:1@evil.example/callback", False),
        ("http://localhost:*/callback", "https://localhost:5123/callback", False),
        ("http://[::1]:*/*", "http://[::1]:5123/any/thing", True),
        ("cursor://*/oauth/*/callback", "cursor://anysphere.x/oauth/user-1/callback", True),
        ("cursor://*/oauth/*/callback", "cursor://a/b/oauth/c/callback", False),
        ("cursor://*/oauth/*/callback", "cursor://a/oauth/c/callback/more", False),
        ("vscode://*", "vscode://publisher.extension/did-authenticate?x=1", True),
        ("vscode://*", "vscode-insiders://publisher.extension/x", False),
        ("vscode://*", "vscode://a/b#c", False),
        ("https://a.example/cb", "https://a.example/cb", True),
        ("https://a.example/cb", "https://a.example/cb/", False),
        ("https://a.example/cb", "https://a.example.evil.example/cb", False),
    ],
)
def test_patterns(pattern, uri, fits):
    assert is_allowed(uri, patterns=[pattern]) is fits


def test_unknown_proxies(oauth, proxy):
    for path in ("register", "token", "revoke", "introspect"):
        refused(oauth.http.post(f"/api/v1/oauth-proxy/{proxy.pk + 1}/{path}"), 404, "not_found")
    for path in ("authorize", "jwks.json"):
        assert oauth.http.get(f"/api/v1/oauth-proxy/{10**30}/{path}").status_code == 404
    proxy.enabled = False
    proxy.save()
    selectors.drop()
    refused(oauth.http.post(f"/api/v1/oauth-proxy/{proxy.pk}/token"), 404, "not_found")


def test_unknown_clients_see_a_page_at_authorize_and_401_at_token(gateway):
    other = make_client()
    for client_id in ("gateway_0123456789abcdef", "", other.client_id):
        gateway.client_id = client_id
        page = gateway.ask()
        assert page.status_code == 400
        assert title_of(page) == "This application is not known here"
    gateway.client_id, gateway.secret = "gateway_0123456789abcdef", "x"
    answer = gateway.redeem("x")
    refused(answer, 401, "invalid_client")
    assert answer.headers["www-authenticate"].startswith("Basic")


def test_a_redirect_uri_that_is_not_the_clients_gets_no_redirect(gateway):
    page = gateway.ask(redirect_uri="https://evil.example/callback")
    assert page.status_code == 400

    gateway.proxy.allowed_redirects = ["vscode://*"]
    gateway.proxy.save()
    selectors.drop()
    assert gateway.ask().status_code == 400


@pytest.mark.spec("Negative tests", "D8.23", "MUST", "a plain challenge is refused")
@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": ""}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "admin"}, "invalid_scope"),
        ({"resource": "https://other.example.com/"}, "invalid_target"),
        ({"prompt": "none"}, "consent_required"),
        ({"request": "e30.e30."}, "invalid_request_object"),
        ({"request_uri": "https://a.example/r"}, "request_uri_not_supported"),
    ],
)
def test_authorization_requests(gateway, parameters, error):
    with nothing_changes():
        told = answered(gateway.ask(**parameters))

    assert told["error"] == error
    assert (told["iss"], told["state"]) == (gateway.issuer, "of-the-client")


def test_the_resource_may_be_named(gateway):
    asked = gateway.ask(resource=gateway.proxy.target_url)
    assert asked.headers["location"].startswith("/consent/proxy?")


@pytest.mark.shows("audit event", "oauth_proxy.consent_denied")
def test_a_user_who_says_no(gateway, upstream):
    told = answered(gateway.consent(gateway.ask(), action="deny"))

    assert told["error"] == "access_denied"
    assert (told["iss"], told["state"]) == (gateway.issuer, "of-the-client")
    assert not upstream.asked
    assert not AuthorizationRequest.objects.exists()


@pytest.mark.spec("Negative tests", "D8.2", "MUST", "an error of the service spends the state")
@pytest.mark.parametrize(("error", "told"), [("access_denied", "access_denied"),
                                             (LEAK, "server_error")])  # fmt: skip
def test_a_service_that_says_no(gateway, browser, upstream, error, told):
    hop = gateway.hop()
    back = browser.come_back(hop, error=error, error_description=LEAK)

    assert answered(back)["error"] == told
    assert LEAK not in back.headers["location"]
    assert upstream.count("authorization_code") == 0
    assert browser.come_back(hop).status_code == 400
    assert not AuthorizationCode.objects.exists()


def test_a_service_that_gives_no_tokens(gateway, browser, upstream):
    upstream.failures = [400]

    assert answered(browser.come_back(gateway.hop()))["error"] == "temporarily_unavailable"
    assert not Connection.objects.exists()


@pytest.mark.spec(
    "Negative tests", "D8.21", "MUST", "a session at the service does not skip consent"
)
def test_consent_cannot_be_skipped_by_a_session_at_the_service(gateway, browser, user, provider):
    """Neither by a connection, nor by the address of the next step."""
    make_connection(provider, user)
    asked = gateway.ask()
    assert asked.headers["location"].startswith("/consent/proxy?")
    assert not AuthorizationCode.objects.exists()
    request = AuthorizationRequest.objects.get()
    assert request.decided_at is None
    assert browser.get(f"/consent?session_id={request.pk}").status_code == 400


def test_the_consent_form_needs_its_token_and_our_site(gateway, browser):
    page = browser.get(gateway.ask().headers["location"])
    request = AuthorizationRequest.objects.get()
    body = f"session_id={request.pk}&action=allow&scopes=read"
    for headers in ({"Origin": "https://evil.example"}, {}):
        answer = browser.client.http.post(
            "/consent/proxy", content=body,
            headers={"Content-Type": "application/x-www-form-urlencoded", **headers},
        )  # fmt: skip
        assert answer.status_code == 403
    assert not ProxyConsent.objects.exists()
    assert page.headers["cache-control"] == "no-store"


@pytest.mark.spec("Negative tests", "D8.3", "MUST", "nobody else can use or burn a state")
def test_states_are_of_one_use_one_user_and_one_browser(gateway, browser, oauth, upstream):
    hop = gateway.hop()
    stranger = Browser(oauth.sibling(), person(make_user()))
    stranger.sign_in()
    assert stranger.come_back(hop).status_code == 403
    same_user = Browser(oauth.sibling(), browser.person)
    same_user.sign_in()
    assert same_user.come_back(hop).status_code == 403
    assert upstream.count("authorization_code") == 0

    assert answered(browser.come_back(hop))["code"]
    assert browser.come_back(hop).status_code == 400
    assert upstream.count("authorization_code") == 1


def test_an_answer_at_the_wrong_callback(gateway, browser, provider):
    hop = gateway.hop()
    wrong = browser.get(f"/connect/{provider.slug}/callback?state={hop['state']}&code=x")

    assert wrong.status_code == 400
    assert ConnectState.objects.get().consumed_at is None


@pytest.mark.spec("OAuth proxy", "X8", "MUST", "a wrong verifier is refused, and spends no code")
def test_a_wrong_verifier_spends_no_code(gateway):
    code = gateway.code()
    with nothing_changes():
        refused(gateway.redeem(code, code_verifier="x" * 43), 400, "invalid_grant")

    assert gateway.redeem(code).status_code == 200


@pytest.mark.parametrize("form", [{"grant_type": "client_credentials"}, {"grant_type": "x"}])
def test_other_grants(gateway, form):
    refused(gateway.token(**form), 400, "unsupported_grant_type")


def test_client_authentication(gateway):
    code = gateway.code()
    with nothing_changes():
        refused(gateway.redeem(code, client_secret="gw_secret_x"), 401, "invalid_client")
        refused(gateway.redeem(code, client_secret=""), 401, "invalid_client")
        basic = base64.b64encode(f"{gateway.client_id}:{gateway.secret}".encode()).decode()
        mixed = gateway.http.post(
            f"{gateway.root}/token", data={"client_secret": gateway.secret},
            headers={"Authorization": f"Basic {basic}"},
        )  # fmt: skip
        assert mixed.status_code in {400, 401}


@pytest.mark.spec("Negative tests", "D8.27", "MUST", "a replayed code ends the first tokens")
def test_code_replay_ends_what_the_first_use_began(gateway):
    code = gateway.code()
    first = gateway.redeem(code).json()
    refused(gateway.redeem(code), 400, "invalid_grant")

    assert gateway.introspect(first["access_token"]) == {"active": False}
    refused(gateway.refresh(first["refresh_token"]), 400, "invalid_grant")


@pytest.mark.spec("Plugged.in", "P28", "MUST", "a replay ends the family and its access tokens")
@pytest.mark.spec("OAuth proxy", "X13", "MUST", "refresh tokens rotate, and reuse ends the family")
@pytest.mark.spec("Negative tests", "D8.26", "MUST", "an old refresh token ends access tokens too")
def test_refresh_rotates_and_reuse_ends_the_family(gateway, override_config):
    override_config(tokens={"refresh_replay_window": 0})
    first = gateway.tokens()
    second = gateway.refresh(first["refresh_token"]).json()
    assert second["refresh_token"].startswith("gw_refresh_")
    assert second["refresh_token"] != first["refresh_token"]
    assert gateway.introspect(second["access_token"])["active"] is True

    refused(gateway.refresh(first["refresh_token"]), 400, "invalid_grant")
    assert gateway.introspect(second["access_token"]) == {"active": False}
    refused(gateway.refresh(second["refresh_token"]), 400, "invalid_grant")


def test_a_lost_answer_can_be_asked_for_again(gateway):
    first = gateway.tokens()
    second = gateway.refresh(first["refresh_token"]).json()

    assert gateway.refresh(first["refresh_token"]).json() == second


@pytest.mark.spec("Plugged.in", "P29", "MUST", "unknown and foreign refresh tokens look the same")
@pytest.mark.spec(
    "Negative tests", "D8.29", "MUST", "unknown and foreign refresh tokens look the same"
)
def test_unknown_and_foreign_refresh_tokens_look_the_same(gateway, browser):
    mine = gateway.tokens()["refresh_token"]
    other = Gateway(gateway.proxy, browser)
    other.register()

    foreign, unknown = other.refresh(mine), other.refresh("gw_refresh_" + "x" * 43)
    assert foreign.status_code == unknown.status_code == 400
    assert foreign.json() == unknown.json()
    assert gateway.refresh(mine).status_code == 200


@pytest.mark.spec("OAuth proxy", "X9", "MUST", "a token of one proxy is nothing at another")
@pytest.mark.spec("Negative tests", "D8.22", "MUST", "a token of one proxy is refused at another")
def test_tokens_of_one_issuer_are_nothing_to_another(gateway, browser, provider, oauth):
    other = Gateway(make_proxy(provider), browser)
    other.register()
    tokens = gateway.tokens()
    access, refresh = tokens["access_token"], tokens["refresh_token"]
    now = clock.now()

    assert holder_of(view_of(gateway.proxy), access, now=now) is not None
    assert holder_of(view_of(other.proxy), access, now=now) is None
    assert other.introspect(access) == {"active": False}
    refused(other.refresh(refresh), 400, "invalid_grant")
    confidential = make_confidential_client()
    here = driver_for(confidential, base=oauth)
    for token in (access, refresh):
        assert here.introspect(token).json() == {"active": False}
    assert oauth.userinfo(access).status_code == 401
    refused(
        oauth.http.post("/oauth/token", data={
            "grant_type": "refresh_token", "refresh_token": refresh,
            "client_id": gateway.client_id, "client_secret": gateway.secret,
        }), 401, "invalid_client",
    )  # fmt: skip
    for root in ("/oauth", other.root):
        oauth.http.post(f"{root}/revoke", data={"token": access})
        oauth.http.post(f"{root}/revoke", data={"token": refresh})
    assert gateway.introspect(access)["active"] is True


def test_tokens_of_this_server_are_nothing_to_a_proxy(gateway, oauth, user):
    public = make_client()
    tokens = oauth.sibling(client_id=public.client_id).tokens(person(user))

    assert holder_of(view_of(gateway.proxy), tokens["access_token"], now=clock.now()) is None
    assert gateway.introspect(tokens["access_token"]) == {"active": False}


def test_a_code_of_one_proxy_is_nothing_at_another(gateway, browser, provider):
    other = Gateway(make_proxy(provider), browser)
    other.register()
    code = gateway.code()
    other.verifier = gateway.verifier
    refused(other.redeem(code), 400, "invalid_grant")

    assert gateway.redeem(code).status_code == 200


@pytest.mark.spec(
    "Negative tests", "D8.24", "MUST", "a forgery with the public key as secret is refused"
)
def test_a_forgery_with_the_public_key_as_secret(gateway):
    access = gateway.tokens()["access_token"]
    keys = gateway.http.get(f"{gateway.root}/jwks.json").json()["keys"]
    header = {"alg": "HS256", "typ": "at+jwt", "kid": keys[0]["kid"]}
    head = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
    signed = f"{head}.{access.split('.')[1]}"
    for secret in (json.dumps(keys[0]).encode(), keys[0]["x"].encode()):
        mac = base64.urlsafe_b64encode(hmac.new(secret, signed.encode(), sha256).digest())
        forged = f"{signed}.{mac.rstrip(b'=').decode()}"
        assert holder_of(view_of(gateway.proxy), forged, now=clock.now()) is None
        assert gateway.introspect(forged) == {"active": False}


def test_an_expired_token_is_over(gateway):
    access = gateway.tokens()["access_token"]
    later = clock.now() + timedelta(hours=2)

    assert holder_of(view_of(gateway.proxy), access, now=later) is None


def test_revocation(gateway):
    tokens = gateway.tokens()
    mine = {"client_id": gateway.client_id, "client_secret": gateway.secret}
    answer = gateway.http.post(
        f"{gateway.root}/revoke", data=mine | {"token": tokens["refresh_token"]}
    )

    assert (answer.status_code, answer.content) == (200, b"")
    assert gateway.introspect(tokens["access_token"]) == {"active": False}
    assert holder_of(view_of(gateway.proxy), tokens["access_token"], now=clock.now()) is None


@pytest.mark.spec(
    "Negative tests", "D8.30", "MUST", "what ended opens nothing from the next request on"
)
@pytest.mark.parametrize("what", ["user", "client", "connection"])
def test_what_tokens_rest_on_ends_them(gateway, user, what):
    from broker.connections.services import revoke

    tokens = gateway.tokens()
    if what == "user":
        type(user).objects.filter(pk=user.pk).update(status="disabled")
    elif what == "client":
        Client.objects.filter(client_id=gateway.client_id).update(status="suspended")
    else:
        revoke(Connection.objects.get().pk, reason="user", now=clock.now())
    answer = gateway.refresh(tokens["refresh_token"])

    assert answer.status_code in {400, 401}
    if what != "connection":
        assert holder_of(view_of(gateway.proxy), tokens["access_token"], now=clock.now()) is None


@pytest.mark.spec(
    "OAuth proxy", "X7", "MUST", "consent is per client, remembered, and can be taken back"
)
@pytest.mark.shows("audit event", "oauth_proxy.consent_revoked")
def test_a_user_takes_it_back(gateway, browser):
    tokens = gateway.tokens()
    unspent = answered(gateway.ask())["code"]
    page = browser.get("/connections")
    assert "Desk" in page.text
    form = form_with(page.text, url=str(page.url), field_name="consent")
    after = browser.client.post_form(form.action, form.submission(), page=page)

    assert after.headers["location"] == "/connections?removed=1"
    assert gateway.introspect(tokens["access_token"]) == {"active": False}
    refused(gateway.redeem(unspent), 400, "invalid_grant")
    assert GatewaySession.objects.filter(revoked_at=None).count() == 0
    assert gateway.ask().headers["location"].startswith("/consent/proxy?")


def test_consent_taken_back_while_at_the_service(gateway, browser):
    hop = gateway.hop()
    ProxyConsent.objects.update(revoked_at=clock.now())

    assert browser.come_back(hop).status_code == 400
    assert not AuthorizationCode.objects.exists()


@pytest.mark.spec("OAuth proxy", "X10", "MUST", "the upstream token is never shown to the client")
@pytest.mark.spec(
    "Negative tests", "D8.28", "MUST", "no upstream token in an answer, log or metric"
)
def test_nothing_of_the_service_comes_out(gateway, browser, upstream):
    """No answer, and no column in clear, holds a token of the service."""
    pages = [gateway.ask()]
    hop = left(gateway.consent(pages[0]))
    back = browser.come_back(hop)
    answer = gateway.redeem(answered(back)["code"])
    pages += [back, answer, gateway.refresh(answer.json()["refresh_token"])]
    told = "".join(f"{page.headers} {page.text}" for page in pages)

    assert upstream.given
    for token in upstream.given:
        assert token not in told
    assert AccessToken.objects.count() == 2
    assert TokenFamily.objects.count() == 1


@pytest.mark.parametrize("path", ["token", "register"])
def test_machine_routes_have_a_window(gateway, override_config, monkeypatch, path):
    from broker.proxies import endpoints

    monkeypatch.setattr(endpoints, "PER_MINUTE", 2)
    override_config(rate_limit={"enabled": True})
    answers = [gateway.http.post(f"{gateway.root}/{path}", json={}) for _ in range(4)]

    assert answers[-1].status_code == 429
    assert answers[-1].json()["error"] == "slow_down"
    assert int(answers[-1].headers["retry-after"]) >= 1


def test_pages_have_a_window(gateway, browser, override_config):
    override_config(rate_limit={"enabled": True})
    answers = [browser.get("/api/v1/oauth/callback") for _ in range(11)]

    assert [one.status_code for one in answers] == [400] * 10 + [429]
    assert "Retry-After" in answers[-1].headers
