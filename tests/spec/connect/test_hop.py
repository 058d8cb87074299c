"""/connect/{provider} and its callback: what is sent, what is believed, where it ends."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from audit.models import AuditEvent
from authplane.core import clock
from authplane.core.hashing import b64url, sha256
from broker.models import Connection, ConnectState
from tests.support.connecting import OWN_PAGE, Browser, make_forge, title_of
from tests.support.factories import make_resource, person
from tests.support.pages import form_with
from tests.support.upstream import LEAK, make_provider, rises


@pytest.mark.usefixtures("forge")
def test_an_anonymous_user_signs_in_first_and_goes_on(oauth, user, provider, upstream):
    browser = Browser(oauth, person(user))
    asked = browser.get(f"/connect/{provider.slug}?return_url={OWN_PAGE}&resource=forge")
    assert asked.status_code == 303
    assert not ConnectState.objects.exists()

    page = browser.get(asked.headers["location"])
    after = oauth.submit_sign_in(page, browser.person)
    page = browser.get(after.headers["location"])
    assert "Connect Forge" == title_of(page)
    link = unescape(re.search(r'href="(/connect/[^"]+)"', page.text).group(1))
    left = browser.get(link)

    assert left.headers["location"].startswith(f"{upstream.url}/authorize?")
    assert {"resource": ["forge"], "return_url": [OWN_PAGE]} == parse_qs(urlsplit(link).query)


@pytest.mark.spec(
    "Broker", "13.1", "MUST", "a link leads to the service with S256, state and scopes"
)
def test_what_the_service_is_asked(browser, provider, forge):
    answer = browser.get(browser.link(provider.slug))
    sent = {k: v[0] for k, v in parse_qs(urlsplit(answer.headers["location"]).query).items()}

    assert len(sent.pop("state")) == 43
    assert len(sent.pop("code_challenge")) == 43
    assert sent == {
        "client_id": "our-client",
        "response_type": "code",
        "code_challenge_method": "S256",
        "scope": "read repo:write",
        "redirect_uri": f"http://localhost:9000/connect/{provider.slug}/callback",
    }
    assert "no-store" == answer.headers["cache-control"]
    assert "no-referrer" == answer.headers["referrer-policy"]
    cookie = answer.headers["set-cookie"]
    assert "authserver_connect=" in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Domain" not in cookie


@pytest.mark.spec("Broker", "13.1", "MUST", "an answer leads back to the return URL")
@pytest.mark.shows("metric", "authserver_connection_connect_total")
@pytest.mark.usefixtures("forge")
def test_there_and_back(browser, user, provider, upstream, override_config):
    override_config(connect={"allowed_return_urls": ("https://app.example.com/done?a=b",)})
    with rises("authserver_connection_connect_total", provider=provider.slug):
        sent = browser.leave(provider.slug, return_url="https://app.example.com/done?a=b")
        done = browser.come_back(sent, code="the-code")

    assert (303, "https://app.example.com/done?a=b") == (done.status_code, done.headers["location"])
    form = upstream.asked[-1]["form"]
    assert "the-code" == form["code"]
    assert sent["redirect_uri"] == form["redirect_uri"]
    assert sent["code_challenge"] == b64url(sha256(form["code_verifier"]))
    row = Connection.objects.get(user=user)
    assert ("active", ["read", "repo:write"]) == (row.status, row.scopes_granted)
    assert "connected" == ConnectState.objects.get().outcome
    assert [user.pk.__str__()] == list(
        AuditEvent.objects.filter(action="broker_grant.created").values_list("actor_id", flat=True)
    )


@pytest.mark.spec("Broker", "13.1", "MUST", "the same answer again is a page with 400")
def test_the_same_answer_again(browser, provider, forge, upstream):
    sent = browser.leave(provider.slug)
    browser.come_back(sent)
    again = browser.come_back(sent)

    assert (400, "This answer was used before") == (again.status_code, title_of(again))
    assert 1 == upstream.count("authorization_code")
    assert 1 == AuditEvent.objects.filter(action="broker_connect.state_refused").count()


@pytest.mark.spec("Negative tests", "D8.3", "MUST", "nobody else can use or burn a state")
@pytest.mark.spec(
    "Broker", "13.1", "MUST", "an answer in another user's session is a page with 403"
)
@pytest.mark.usefixtures("forge")
def test_another_user_and_another_browser_spend_nothing(browser, stranger, provider, upstream):
    sent = browser.leave(provider.slug)
    elsewhere = Browser(browser.client.sibling(), browser.person)
    elsewhere.sign_in()

    for other in (stranger, elsewhere):
        answer = other.come_back(sent)
        assert (403, "This was begun by somebody else") == (answer.status_code, title_of(answer))
    assert upstream.asked == []
    assert 303 == browser.come_back(sent).status_code


def test_nobody_is_signed_in_any_more(browser, provider, forge, oauth):
    sent = browser.leave(provider.slug)

    assert 403 == Browser(oauth.sibling(), browser.person).come_back(sent).status_code
    assert ConnectState.objects.get().consumed_at is None


def test_too_late(browser, provider, forge, upstream):
    sent = browser.leave(provider.slug)
    # Older, with a proof of its own, as if five minutes had passed.
    from broker.connect import integrity, state

    row = ConnectState.objects.get()
    row.expires_at = clock.now() - timedelta(seconds=1)
    integrity.sign(row, verifier=state._verifier_of(row))
    row.save()

    answer = browser.come_back(sent)
    assert (400, "That took too long") == (answer.status_code, title_of(answer))
    assert upstream.asked == []


@pytest.mark.spec("Negative tests", "D8.2", "MUST", "an error of the service spends the state")
def test_a_denial_returns_to_the_application_and_spends_the_state(browser, provider, forge):
    sent = browser.leave(provider.slug)
    back = browser.come_back(sent, error="access_denied", error_description=LEAK)

    assert f"{OWN_PAGE}?error=access_denied" == back.headers["location"]
    assert "access_denied" == ConnectState.objects.get().outcome
    assert 400 == browser.come_back(sent).status_code
    assert not Connection.objects.exists()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"error": "server_error", "error_description": LEAK}, (502, "upstream_error")),
        ({"error": ""}, (502, "upstream_error")),
        ({"foo": "bar"}, (400, "no_code")),
        ({"code": "c" * 5000}, (400, "no_code")),
    ],
)
@pytest.mark.usefixtures("forge")
def test_answers_that_lead_nowhere(browser, provider, upstream, answer, expected):
    page = browser.come_back(browser.leave(provider.slug), **answer)

    assert expected == (page.status_code, ConnectState.objects.get().outcome)
    assert LEAK not in page.text
    assert "What you can do" in page.text
    assert upstream.asked == []


@pytest.mark.parametrize("status", [400, 500])
def test_a_service_that_gives_no_token(browser, provider, forge, upstream, status):
    upstream.failures = [status]
    page = browser.connect(provider.slug)

    assert (502, "The service did not complete the connection") == (
        page.status_code,
        title_of(page),
    )
    assert LEAK not in page.text
    assert not Connection.objects.exists()


def test_an_answer_at_the_callback_of_another_service(browser, provider, forge, upstream):
    other = make_provider(upstream)
    sent = browser.leave(provider.slug)
    sent["redirect_uri"] = sent["redirect_uri"].replace(provider.slug, other.slug)

    assert 400 == browser.come_back(sent).status_code
    assert "wrong_provider" == ConnectState.objects.get().outcome
    assert upstream.asked == []


@pytest.mark.spec("Negative tests", "D8.6", "MUST", "an answer of another issuer is refused")
@pytest.mark.spec(
    "RFC 9207", "2.4", "MUST", "an answer of an upstream service names the issuer that was asked"
)
@pytest.mark.parametrize(
    ("said", "works"),
    [
        ((False, ""), True),
        ((False, "https://up.example.com"), True),
        ((False, "https://evil.example.com"), False),
        ((True, ""), False),
        ((True, "https://up.example.com"), True),
    ],
)
def test_the_issuer_of_the_answer(browser, upstream, monkeypatch, said, works):
    """`said` is whether the service promises to name itself, and what it names."""
    from broker.connect import ways

    promised, iss = said

    monkeypatch.setattr(ways, "signs_answers", lambda _: promised)
    provider = make_provider(upstream, issuer="https://up.example.com")
    make_forge(provider)
    answer = {"code": "c"} | ({"iss": iss} if iss else {})
    page = browser.come_back(browser.leave(provider.slug), **answer)

    assert (303 if works else 400) == page.status_code
    assert works == Connection.objects.exists()


def unusable(browser, provider, **parameters):
    """(status, error) of a link that cannot be followed; nothing is stored."""
    query = urlencode({"return_url": OWN_PAGE} | parameters)
    path = f"/connect/{provider}?{query}"
    page, body = browser.get(path), browser.get(path, Accept="application/json")
    assert not ConnectState.objects.exists()
    assert page.status_code == body.status_code
    assert "text/html" in page.headers["content-type"]
    return body.status_code, body.json()["error"]


def test_links_that_cannot_be_followed(browser, provider, forge, upstream):
    other = make_provider(upstream)
    make_resource(slug="minted")

    assert (400, "invalid_request") == unusable(browser, provider.slug, return_url="")
    assert (400, "invalid_request") == unusable(browser, "nobody")
    assert (400, "invalid_request") == unusable(browser, provider.slug, resource="nothing")
    assert (400, "invalid_target") == unusable(browser, provider.slug, resource="minted")
    assert (400, "invalid_target") == unusable(browser, other.slug, resource="forge")
    assert (400, "invalid_target") == unusable(browser, other.slug)
    make_forge(provider, slug="forge-2")
    assert (400, "invalid_request") == unusable(browser, provider.slug)
    evil = "https://evil.example.com/"
    assert (400, "invalid_request") == unusable(
        browser, provider.slug, resource="forge", return_url=evil
    )
    provider.enabled = False
    provider.save()
    from broker.providers import selectors

    selectors.drop()
    assert (400, "invalid_request") == unusable(browser, provider.slug, resource="forge")


def test_without_a_data_key(browser, provider, forge, override_config):
    override_config(secrets={"data": "", "data_old": ""})

    answer = browser.get(browser.link(provider.slug), Accept="application/json")
    assert answer.status_code == 503
    assert "connect.state_secret" in answer.json()["detail"]


def key_provider(upstream, **config_data):
    from broker.providers import selectors

    made = make_provider(upstream)
    made.protocol, made.config_data = "api_key", {"header_name": "X-Key"} | config_data
    made.secret_sealed = None
    made.save()
    selectors.drop()
    return made


def test_a_key_is_pasted_and_never_shown(browser, user, upstream):
    from broker.connections.credentials import credential_of

    provider = key_provider(upstream, issuance_instructions_url="https://forge.example.com/keys")
    make_forge(provider)
    page = browser.get(browser.link(provider.slug))
    assert 'href="https://forge.example.com/keys"' in page.text
    assert 'type="password"' in page.text
    form = form_with(page.text, url=str(page.url), field_name="api_key")

    bad = browser.client.post_form(
        form.action, form.submission(api_key="two\nlines-key"), page=page
    )
    assert (422, False) == (bad.status_code, "lines-key" in bad.text)
    forged = browser.client.post_form(
        form.action, form.submission(api_key="k", csrf_token="x"), page=page
    )
    assert 403 == forged.status_code
    assert not Connection.objects.exists()

    done = browser.client.post_form(form.action, form.submission(api_key=" k-1 "), page=page)
    assert (303, OWN_PAGE) == (done.status_code, done.headers["location"])
    assert {"api_key": "k-1"} == credential_of(Connection.objects.get(user=user))
    assert "k-1" not in browser.get(browser.link(provider.slug)).text


def test_a_key_is_not_posted_for_an_address_that_is_not_allowed(browser, upstream):
    provider = key_provider(upstream)
    make_forge(provider)
    page = browser.get(browser.link(provider.slug))
    form = form_with(page.text, url=str(page.url), field_name="api_key")
    sent = form.submission(api_key="k", return_url="https://evil.example.com/")

    assert 400 == browser.client.post_form(form.action, sent, page=page).status_code
    assert not Connection.objects.exists()


def test_other_methods(browser, provider, forge):
    for path in (f"/connect/{provider.slug}", f"/connect/{provider.slug}/callback"):
        assert 405 == browser.client.http.put(path, content=b"").status_code
