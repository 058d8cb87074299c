"""There and back: what the provider is asked, and whose answer counts."""

from __future__ import annotations

import json
import logging
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from audit.models import AuditEvent
from authplane.accounts.models import User
from broker.models import ConnectState, FederatedIdentity, IdentityProvider
from tests.spec.connect.test_secrecy import everything_stored
from tests.support.connecting import title_of
from tests.support.openid import CLIENT_ID, SECRET, Visitor, register, running_openid
from tests.support.upstream import rises

USED = "This answer was used before"
ELSEWHERE = "The answer came from somewhere else"


def refusals():
    return list(
        AuditEvent.objects.filter(action="user.oidc_login_failed").values_list("detail", flat=True)
    )


def reason():
    (detail,) = refusals()
    return (detail if isinstance(detail, dict) else json.loads(detail))["reason"]


def nothing_happened(visitor):
    return (
        not visitor.is_signed_in()
        and not User.objects.exists()
        and not FederatedIdentity.objects.exists()
    )


@pytest.mark.shows("audit event", "user.oidc_login", "identity.linked")
@pytest.mark.shows("metric", "authserver_oidc_exchange_duration_seconds")
def test_signing_in(visitor, world):
    with (
        rises("authserver_login_attempts_total", outcome="success"),
        rises("authserver_oidc_exchange_duration_seconds_count", outcome="success"),
    ):
        answer = visitor.sign_in(redirect="/connections")

    assert (303, "/connections") == (answer.status_code, answer.headers["location"])
    assert visitor.is_signed_in()
    user = User.objects.get()
    assert ("acme", "ann-1", "ann@example.com", "Ann", "user") == (
        user.provider, user.provider_sub, user.email, user.name, user.role,
    )  # fmt: skip
    assert not user.has_usable_password()
    events = AuditEvent.objects.values_list("action", flat=True)
    assert {"user.created", "identity.linked", "user.oidc_login"} <= set(events)
    assert "signed_in" == ConnectState.objects.get().outcome


def test_what_the_provider_is_asked(visitor, world):
    sent = visitor.leave()
    visitor.come_back(sent)
    token = world.last("/token")

    assert {
        "response_type": "code", "client_id": CLIENT_ID, "code_challenge_method": "S256",
        "scope": "openid email profile groups",
        "redirect_uri": "http://localhost:9000/oidc/callback/acme",
    }.items() <= sent.items()  # fmt: skip
    assert {"state", "nonce", "code_challenge"} <= sent.keys()
    assert token["headers"]["authorization"].startswith("Basic ")
    assert "client_secret" not in token["form"]


@pytest.mark.parametrize(
    ("methods", "has_secret", "expected"),
    [
        (["client_secret_post"], True, "post"),
        (["client_secret_post", "client_secret_basic"], True, "basic"),
        (["private_key_jwt"], False, "none"),
    ],
)
def test_how_we_say_who_we_are(oauth, world, methods, has_secret, expected):
    world.document = {"token_endpoint_auth_methods_supported": methods}
    register(world, **({} if has_secret else {"secret": None}))
    visitor = Visitor(oauth, world)

    assert 303 == visitor.sign_in().status_code
    token = world.last("/token")
    said = {
        "post": token["form"].get("client_secret") == SECRET,
        "basic": "authorization" in token["headers"],
    }
    assert [expected] == [name for name, is_so in said.items() if is_so] or (
        expected == "none" and not any(said.values())
    )


def test_the_connector_and_the_groups_scope(oauth, world):
    register(world, connector_id="ldap", include_groups_scope=False, scopes=["openid"])
    sent = Visitor(oauth, world).leave()

    assert ("ldap", "openid") == (sent["connector_id"], sent["scope"])


def test_nothing_of_a_hop_in_rows_logs_or_answers(visitor, world, caplog, capsys):
    with caplog.at_level(logging.DEBUG):
        sent = visitor.leave()
        code = world.code_for(sent)
        back = visitor.come_back(sent, code=code)
        again = visitor.come_back(sent, code=code)
    token = world.last("/token")["form"]
    told = capsys.readouterr()
    cookies = str(dict(visitor.client.http.cookies))
    places = (
        everything_stored() + caplog.text + told.out + told.err + cookies
        + back.text + again.text + json.dumps(dict(back.headers))
    )  # fmt: skip

    assert token["code_verifier"] not in json.dumps(sent)
    for secret in (sent["state"], sent["nonce"], token["code_verifier"], code, SECRET):
        assert secret not in places


def test_an_answer_counts_once(visitor, world):
    sent = visitor.leave()
    assert 303 == visitor.come_back(sent).status_code
    again = visitor.come_back(sent)

    assert (400, USED) == (again.status_code, title_of(again))
    assert 1 == world.count("/token")


def test_an_answer_in_another_browser_leaves_the_hop_alone(visitor, world):
    """Else an attacker could sign others in as themselves, and see what they then do."""
    sent = visitor.leave()
    stranger = Visitor(visitor.client.sibling(), world)

    assert 400 == stranger.come_back(sent).status_code
    assert not stranger.is_signed_in()
    assert 0 == world.count("/token")
    assert 303 == visitor.come_back(sent).status_code


def test_a_session_that_was_there_is_replaced(visitor, world):
    visitor.sign_in()
    before = visitor.client.http.cookies.get("authserver_session")
    world.person = {"sub": "bob", "name": "Bob"}
    visitor.sign_in()

    assert before != visitor.client.http.cookies.get("authserver_session")
    assert "Bob" not in visitor.client.http.get("/account").text or User.objects.count() == 2
    assert 2 == User.objects.count()


@pytest.mark.shows("audit event", "user.oidc_login_failed")
@pytest.mark.parametrize(
    ("answer", "status", "why"),
    [
        ({"iss": None}, 400, "wrong_issuer"),
        ({"iss": "https://evil.example"}, 400, "wrong_issuer"),
        ({"error": "access_denied"}, 400, "upstream_error"),
        ({"code": None}, 400, "no_code"),
        ({"code": "x" * 5000}, 400, "no_code"),
        ({"code": "unknown"}, 401, "code_exchange_failed"),
    ],
)
def test_answers_that_sign_nobody_in(visitor, answer, status, why):
    sent = visitor.leave()
    with rises("authserver_login_attempts_total", outcome="failure"):
        page = visitor.come_back(sent, **answer)

    assert status == page.status_code
    assert why == reason()
    assert 400 == visitor.come_back(sent).status_code
    assert nothing_happened(visitor)


@pytest.mark.parametrize("state", [None, "", "x", "x" * 200])
def test_a_state_that_is_none(visitor, state):
    visitor.leave()
    page = visitor.get(f"/oidc/callback/acme?{urlencode({'code': 'c', 'state': state or ''})}")

    assert 400 == page.status_code
    assert nothing_happened(visitor)


def test_a_lapsed_hop(visitor, world, frozen_clock):
    sent = visitor.leave()
    frozen_clock.shift(301)
    page = visitor.come_back(sent)

    assert (400, "That took too long") == (page.status_code, title_of(page))
    assert nothing_happened(visitor)


def test_an_answer_at_the_callback_of_another_provider(visitor, world):
    with running_openid() as other:
        register(other, slug="other")
        sent = visitor.leave()
        mixed = dict(sent, redirect_uri="http://localhost:9000/oidc/callback/other")
        page = visitor.come_back(mixed)

    assert (400, ELSEWHERE) == (page.status_code, title_of(page))
    assert 0 == world.count("/token") == other.count("/token")
    assert nothing_happened(visitor)


@pytest.mark.parametrize("change", [{"issuer": "https://other.example"}, {"client_id": "other"}])
def test_a_provider_that_changed_meanwhile(visitor, acme, change):
    from broker.signin.services import patch_provider

    sent = visitor.leave()
    patch_provider(acme.pk, change)

    assert 400 == visitor.come_back(sent).status_code
    assert nothing_happened(visitor)


def test_a_provider_that_was_disabled_meanwhile(visitor, acme):
    from broker.signin.services import patch_provider

    sent = visitor.leave()
    patch_provider(acme.pk, {"enabled": False})

    assert 404 == visitor.come_back(sent).status_code
    assert 404 == visitor.get("/oidc/start?provider=acme").status_code
    assert nothing_happened(visitor)


@pytest.mark.parametrize(
    "document",
    [
        {"issuer": "https://evil.example"},
        {"issuer": None},
        {"code_challenge_methods_supported": ["plain"]},
        {"token_endpoint": None},
        {"jwks_uri": "http://plain.example/jwks"},
        {"authorization_endpoint": "javascript:alert(1)"},
    ],
)
def test_a_discovery_document_that_cannot_be_used(visitor, world, document):
    world.document = document
    page = visitor.get("/oidc/start?provider=acme")

    assert 503 == page.status_code
    assert "Retry-After" in page.headers
    assert not ConnectState.objects.exists()


def test_the_document_is_kept_as_long_as_it_says(visitor, world, frozen_clock):
    path = "/.well-known/openid-configuration"
    world.cache = "max-age=600"
    for seconds, times in ((0, 1), (599, 1), (2, 2)):
        frozen_clock.shift(seconds)
        visitor.leave()
        assert times == world.count(path)


def test_a_token_endpoint_that_is_away(visitor, world):
    world.failures = [500]
    page = visitor.sign_in()

    assert 503 == page.status_code
    assert "provider_down" == reason()
    assert nothing_happened(visitor)
    assert 303 == visitor.sign_in().status_code
    assert 2 == world.count("/.well-known/openid-configuration")


@pytest.mark.parametrize(
    "target",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", ""],
)
def test_the_way_back_stays_here(visitor, target):
    assert "/" == visitor.sign_in(redirect=target).headers["location"]


def test_the_only_provider_needs_no_name_and_several_are_asked_about(visitor, world):
    assert 302 == visitor.get("/oidc/start").status_code
    register(world, slug="second", display_name="Second")
    answer = visitor.get("/oidc/start?redirect=/connections")

    assert 303 == answer.status_code
    url = urlsplit(answer.headers["location"])
    assert ("/login", {"redirect": ["/connections"]}) == (url.path, parse_qs(url.query))
    assert 404 == visitor.get("/oidc/start?provider=nobody").status_code


@pytest.mark.parametrize("path", ["/oidc/start", "/oidc/callback/acme"])
def test_ten_in_a_minute(visitor, override_config, path):
    override_config(rate_limit={"enabled": True})
    codes = [visitor.get(path).status_code for _ in range(11)]

    assert 429 not in codes[:10]
    assert 429 == codes[10]


def test_posts_are_not_what_these_are_for(visitor):
    for path in ("/oidc/start", "/oidc/callback", "/oidc/sign-out"):
        assert 405 == visitor.client.http.post(path).status_code


def test_signing_out_offers_to_sign_out_there_as_well(visitor, world):
    from tests.flows.test_sign_in import sign_out

    visitor.sign_in()
    left = sign_out(visitor.client)
    page = visitor.get(left.headers["location"])

    assert "sign out there as well" in page.text
    assert "/oidc/sign-out?provider=acme" in page.text
    gone = visitor.get("/oidc/sign-out?provider=acme")
    url = urlsplit(gone.headers["location"])
    assert 302 == gone.status_code
    assert gone.headers["location"].startswith(f"{world.url}/logout?")
    assert {
        "client_id": [CLIENT_ID],
        "post_logout_redirect_uri": ["http://localhost:9000/login"],
    } == parse_qs(url.query)
    assert not visitor.is_signed_in()


def test_a_provider_without_a_page_for_signing_out(visitor, world):
    world.document = {"end_session_endpoint": None}

    assert "/login" == visitor.get("/oidc/sign-out?provider=acme").headers["location"]
    assert 404 == visitor.get("/oidc/sign-out?provider=nobody").status_code


def test_only_rows_of_this_kind_are_claimed(visitor, world):
    """The state of a hop to connect an account signs nobody in."""
    sent = visitor.leave()
    ConnectState.objects.update(kind="connect")

    assert 400 == visitor.come_back(sent).status_code
    assert 1 == IdentityProvider.objects.count()
    assert nothing_happened(visitor)
