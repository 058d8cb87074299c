"""authplane-sdk 0.5.0 from PyPI, unmodified, against the running server."""

from __future__ import annotations

import jwt
import pytest

from tests.support import factories
from tests.support.oauth_client import OAuthClient
from tests.support.sdk import conversation

pytestmark = [pytest.mark.server, pytest.mark.sdk, pytest.mark.slow]

URI = "https://tools.example.com/mcp"
CALENDAR = "https://www.googleapis.com/calendar/v3"
CALENDAR_SCOPE = "https://www.googleapis.com/auth/calendar"
# What the SDK must percent-encode in Basic credentials, and we decode.
AWKWARD_ID = "client:with/odd characters+%41"


@pytest.fixture
def agent(transactional_db):
    return factories.make_confidential_client(
        client_id=AWKWARD_ID,
        is_agent=True,
        scope=f"read write tools/add tools/multiply {CALENDAR_SCOPE}",
        grant_types=[
            "client_credentials",
            "urn:ietf:params:oauth:grant-type:token-exchange",
            "authorization_code",
            "refresh_token",
        ],
    )


@pytest.fixture
def watcher(transactional_db):
    return factories.make_confidential_client()


@pytest.fixture
def resource(agent, watcher):
    return factories.make_resource(
        slug="tools",
        uri=URI,
        policy={"runtime": {"client_ids": [watcher.row.client_id]}},
    )


@pytest.fixture
def calendar(watcher):
    return factories.make_resource(
        slug="calendar",
        uri=CALENDAR,
        scopes=[{"name": CALENDAR_SCOPE}, {"name": "tools/add"}, {"name": "tools/multiply"}],
        policy={"runtime": {"client_ids": [watcher.row.client_id]}},
    )


def talk(url, who, **options):
    return conversation(
        issuer=url, client_id=who.row.client_id, client_secret=who.secret, **options
    )


def test_it_is_the_released_package(server, agent):
    with talk(server().url, agent) as call:
        assert call("sdk") == {"version": "0.5.0"}


@pytest.mark.usefixtures("resource", "calendar")
def test_client_credentials_introspection_and_revocation(server, agent, watcher):
    url = server().url
    with talk(url, agent) as call, talk(url, watcher) as watch:
        for resource, scopes in ((URI, ["read"]), (CALENDAR, [CALENDAR_SCOPE, "tools/add"])):
            got = call("client_credentials", scopes=scopes, resources=[resource])
            assert (got["token_type"], got["expires_in"]) == ("Bearer", 3600)
            assert got["scope"] == " ".join(scopes)
            token = got["access_token"]

            seen = watch("verify", token=token, resource=resource, ask=True)
            assert seen["client_id"] == seen["sub"] == AWKWARD_ID
            assert seen["audience"] == [resource]
            assert seen["scopes"] == scopes

            told = watch("introspect", token=token)
            assert told["active"] is True
            assert told["aud"] == resource
            assert told["agent_id"] == AWKWARD_ID
            assert told["jti"] == seen["jti"]

            assert call("revoke", token=token) == {}
            assert watch("introspect", token=token)["active"] is False
            refused = watch("verify", token=token, resource=resource, ask=True)
            assert refused["raised"] == "TokenRevokedError"
            assert watch("verify", token=token, resource=resource)["jti"] == seen["jti"], "offline"


@pytest.mark.usefixtures("resource")
def test_refusals_arrive_as_the_errors_they_are(server, agent, watcher):
    url = server().url
    with talk(url, agent) as call:
        wrong_scope = call("client_credentials", scopes=["unknown"], resources=[URI])
        assert wrong_scope["raised"] == "InvalidScopeError"
        wrong_target = call("client_credentials", resources=["https://unknown.example.com"])
        assert wrong_target["code"] == "invalid_target"
        several = call("client_credentials", resources=[URI, url])
        assert several["code"] == "invalid_target"
    with talk(url, watcher) as watch:
        # No ceiling: decided by policy, and never an error of the server's.
        assert watch("client_credentials", resources=[URI])["raised"] == "InvalidScopeError"
    with conversation(issuer=url, client_id=AWKWARD_ID, client_secret="wrong") as call:
        assert call("client_credentials", resources=[URI])["raised"] == "InvalidClientError"
        assert call("introspect", token="x")["raised"] == "InvalidClientError"
        assert call("revoke", token="x")["raised"] == "InvalidClientError"


@pytest.mark.usefixtures("resource")
def test_a_stranger_learns_nothing_by_it(server, agent):
    stranger = factories.make_confidential_client()
    url = server().url
    with talk(url, agent) as call, talk(url, stranger) as other:
        token = call("client_credentials", scopes=["read"], resources=[URI])["access_token"]
        assert other("introspect", token=token)["active"] is False
        assert call("introspect", token=token)["active"] is True


def test_an_opaque_token_is_introspected_and_revoked(server, agent, watcher):
    factories.make_resource(
        uri=URI,
        policy={"runtime": {"client_ids": [watcher.row.client_id]}, "token_format": "opaque"},
    )
    url = server().url
    with talk(url, agent) as call, talk(url, watcher) as watch:
        token = call("client_credentials", scopes=["read"], resources=[URI])["access_token"]
        assert "." not in token
        assert watch("introspect", token=token)["active"] is True
        call("revoke", token=token)
        assert watch("introspect", token=token)["active"] is False


@pytest.fixture
def gateway(transactional_db):
    """Acts as `tools` and exchanges what was sent to it."""
    return factories.make_confidential_client(
        grant_types=["urn:ietf:params:oauth:grant-type:token-exchange", "client_credentials"],
        scope="read write",
    )


def test_a_machine_exchanges_its_own_token(server, agent, watcher, resource, calendar):
    """What the SDK's demo does: a token for one resource becomes one for another."""
    url = server(AUTHPLANE_TOKEN_EXCHANGE_ALLOW_SELF_EXCHANGE="true").url
    scopes = ["tools/add", "tools/multiply"]
    with talk(url, agent) as call, talk(url, watcher) as watch:
        own = call("client_credentials", scopes=scopes, resources=[CALENDAR])["access_token"]
        got = call("exchange", subject_token=own, scope="tools/add", resources=["calendar"])

        assert got["issued_token_type"] == "urn:ietf:params:oauth:token-type:access_token"
        assert (got["token_type"], got["scope"]) == ("Bearer", "tools/add")
        assert got["expires_in"] <= 3600
        assert got["refresh_token"] == ""
        seen = watch("verify", token=got["access_token"], resource=CALENDAR, ask=True)
        assert (seen["client_id"], seen["scopes"]) == (AWKWARD_ID, ["tools/add"])

        call("revoke", token=own)
        assert watch("introspect", token=got["access_token"])["active"] is False
        spent = call("exchange", subject_token=own, scope="tools/add", resources=["calendar"])
        assert (spent["raised"], spent["status"]) == ("InvalidGrantError", 400)


def test_a_users_token_is_exchanged_once_the_user_allowed_it(server, watcher, gateway):
    front = factories.make_resource(
        slug="front", policy={"runtime": {"client_ids": [gateway.row.client_id]}}
    )
    back = factories.make_resource(
        slug="back",
        policy={
            "exchange": {"allowed_client_ids": [gateway.row.client_id]},
            "runtime": {"client_ids": [watcher.row.client_id]},
        },
    )
    user, app = factories.make_user(), factories.make_client(name="Notes app")
    url = server().url
    notes = factories.driver_for(app, base=OAuthClient.at(url), resource=front.uri)
    subject = notes.tokens(factories.person(user), scope="read write")["access_token"]
    wanted = {"subject_token": subject, "scope": "read", "resources": [back.uri]}

    with talk(url, gateway) as call, talk(url, watcher) as watch:
        lacking = call("exchange", **wanted)
        assert lacking["raised"] == "ConsentRequiredError"
        assert lacking["status"] == 400
        assert lacking["service_id"] == "back"
        assert lacking["cause"] == "consent_missing"
        assert lacking["consent_url"].startswith(f"{url}/")

        page = notes.http.get(lacking["consent_url"], headers={"Accept": "text/html"})
        while page.is_redirect:
            page = notes.http.get(str(page.url.join(page.headers["location"])))
        allow(notes, page)
        got = call("exchange", **wanted)

        assert got["scope"] == "read"
        told = watch("introspect", token=got["access_token"])
        assert (told["active"], told["client_id"]) == (True, gateway.row.client_id)
        assert told["sub"] == str(user.pk)


def allow(browser, page):
    from tests.support.pages import form_with

    form = form_with(page.text, url=str(page.url), field_name="csrf_token")
    answer = browser.post_form(form.action, form.submission(button=("action", "allow")), page=page)
    assert answer.status_code < 400, answer.text


@pytest.mark.usefixtures("resource")
def test_what_may_not_be_exchanged_is_never_the_servers_fault(server, agent, gateway):
    """Five errors of the server's in a row would make the SDK stop asking for half a minute."""
    url = server().url
    with talk(url, agent) as call, talk(url, gateway) as other:
        token = call("client_credentials", scopes=["read"], resources=[URI])["access_token"]
        refused = [
            other("exchange", subject_token=token, resources=["unknown"]),
            other("exchange", subject_token=token, resources=[URI], scope="unknown"),
            other("exchange", subject_token=token, resources=[URI], scope="read"),
            other("exchange", subject_token="no token", resources=[URI]),
            other("exchange", subject_token=token),
            other("exchange", subject_token=token, resources=[URI], audiences=["unknown"]),
        ]
    assert [answer["code"] for answer in refused] == [
        "invalid_target",
        "invalid_scope",
        "access_denied",
        "invalid_grant",
        "access_denied",
        "invalid_target",
    ]


@pytest.mark.usefixtures("resource", "calendar")
@pytest.mark.parametrize(("algorithm", "require_nonce"), [("ES256", "true"), ("RS256", "false")])
def test_tokens_are_bound_to_the_key_of_the_sdk(server, agent, watcher, algorithm, require_nonce):
    url = server(
        AUTHPLANE_DPOP_REQUIRE_NONCE=require_nonce,
        AUTHPLANE_TOKEN_EXCHANGE_ALLOW_SELF_EXCHANGE="true",
    ).url
    with talk(url, agent, dpop=algorithm) as call, talk(url, watcher) as watch:
        got = call("client_credentials", scopes=["read"], resources=[URI])
        assert got["token_type"] == "DPoP", got
        jkt = call("thumbprint")["jkt"]
        seen = call("verify", token=got["access_token"], resource=URI, proof_for=f"{URI}/call")
        assert seen["proved"] is True

        told = watch("introspect", token=got["access_token"])
        assert (told["active"], told["token_type"]) == (True, "DPoP")
        # The SDK proves its key to these endpoints as well, which do not ask for it.
        assert call("introspect", token=got["access_token"])["active"] is True

        wanted = {"scope": "tools/add", "resources": ["calendar"]}
        own = call("client_credentials", scopes=["tools/add"], resources=[CALENDAR])
        exchanged = call("exchange", subject_token=own["access_token"], **wanted)
        assert exchanged["token_type"] == "DPoP", exchanged
        assert thumbprint_in(exchanged["access_token"]) == jkt
        with talk(url, agent) as without_key:
            stolen = without_key("exchange", subject_token=own["access_token"], **wanted)
            assert stolen["raised"] == "InvalidGrantError", "it is worth nothing without the key"

        call("revoke", token=own["access_token"])
        assert watch("introspect", token=exchanged["access_token"])["active"] is False


def thumbprint_in(token):
    return jwt.decode(token, options={"verify_signature": False})["cnf"]["jkt"]


def test_discovery_is_what_the_sdk_relies_on(server):
    """Lifetimes, absolute URLs and an answer without any redirect (checklist of the contract)."""
    http = OAuthClient.at(server().url).http
    metadata = http.get("/.well-known/oauth-authorization-server")
    assert "max-age" in metadata.headers["cache-control"]
    for name in ("token", "introspection", "revocation"):
        assert metadata.json()[f"{name}_endpoint"].startswith("http://127.0.0.1")
    keys = http.get("/.well-known/jwks.json")
    assert keys.headers["cache-control"] == "public, max-age=300"
    for key in keys.json()["keys"]:
        assert key["use"] == "sig"
        assert key["kid"]
        assert key["alg"]
