"""Off to the authorization server of a remote MCP server, and back."""

from __future__ import annotations

import logging
from urllib.parse import parse_qs, urlsplit

import pytest

from authplane.core import clock
from authplane.core.hashing import b64url, sha256
from broker.connect import state
from broker.connections import credentials
from broker.models import Connection, ConnectState, UpstreamConfig
from broker.remote import connecting
from tests.support.remote import make_mcp_provider
from tests.support.upstream import LEAK

pytestmark = pytest.mark.django_db

MARK = "m" * 43


@pytest.fixture
def off(server, user):
    """The user is on the way; what the browser takes along, by name."""

    def go() -> dict[str, str]:
        started = connecting.start(
            server, user=user, return_url="/mcp-servers", browser_mark=MARK, now=clock.now()
        )
        query = parse_qs(urlsplit(started.authorization_url).query)
        assert query["state"] == [started.state]
        return {name: value for name, (value,) in query.items()}

    return go


@pytest.fixture
def back(user):
    """The user is back; what it came to."""

    def come(sent: dict[str, str], **answer: str) -> connecting.Finished:
        claimed = state.claim(
            sent["state"],
            kinds=(ConnectState.Kind.SERVER,),
            user=user,
            browser_mark=MARK,
            now=clock.now(),
        )
        finished = connecting.finish(claimed, now=clock.now(), **(answer or {"code": "the-code"}))
        assert finished.outcome in connecting.OUTCOMES
        assert ConnectState.objects.get(pk=claimed.row.pk).outcome == finished.outcome
        return finished

    return come


def test_what_it_is_asked(off, remote):
    first, second = off(), off()
    for one in (first, second):
        assert len(one.pop("state")) == 43
        assert len(one.pop("code_challenge")) == 43
    assert first == second == {
        "client_id": "client-1",
        "response_type": "code",
        "code_challenge_method": "S256",
        "resource": remote.mcp,
        "scope": "read write",
        "redirect_uri": "http://localhost:9000/api/oauth/callback",
    }  # fmt: skip
    assert len(remote.registered) == 1


@pytest.mark.parametrize("scopes", [None, ["openid", "email"], "read"])
def test_no_scope_is_asked_for_where_none_is_named(off, remote, scopes):
    remote.resource_overrides = {"scopes_supported": scopes}
    remote.publish()
    assert ("scope" in off()) is (scopes == "read")


def test_scopes_that_an_administrator_chose(off, remote):
    make_mcp_provider(remote.mcp, scopes=["chosen"])
    assert off()["scope"] == "chosen"


def test_how_the_code_is_exchanged(off, back, remote):
    sent = off()
    back(sent, code="the-code")
    asked = remote.asked[-1]
    form = asked["form"]
    assert sent["code_challenge"] == b64url(sha256(form.pop("code_verifier")))
    assert form == {
        "grant_type": "authorization_code",
        "code": "the-code",
        "redirect_uri": sent["redirect_uri"],
        "resource": remote.mcp,
    }
    assert asked["headers"]["authorization"].startswith("Basic ")


def test_connected(off, back, remote, server, caplog):
    caplog.set_level(logging.DEBUG)
    finished = back(off(), code="the-code")
    row = finished.connection
    assert (finished.outcome, row.server_id) == ("connected", server.pk)
    assert row.user_id == server.profile.project.user_id
    assert (row.status, row.scopes_granted) == ("active", ["read", "write"])
    assert credentials.access_of(row) in remote.given
    kept = [value for value in vars(row).values() if isinstance(value, str)]
    assert not remote.tokens() & set(kept)
    assert not [token for token in remote.tokens() if token in caplog.text]


def test_the_same_state_counts_once(off, back):
    sent = off()
    back(sent)
    with pytest.raises(state.StateError, match="state_invalid"):
        back(sent)


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ({"error": "access_denied"}, "access_denied"),
        ({"error": "server_error"}, "upstream_error"),
        ({"code": ""}, "missing_code"),
        ({"code": "x" * 5000}, "missing_code"),
        ({"code": "c", "unverified_issuer": "https://evil.example"}, "wrong_issuer"),
        ({"error": "access_denied", "unverified_issuer": "https://evil.example"}, "wrong_issuer"),
    ],
)
def test_answers_that_connect_nothing(off, back, remote, answer, outcome):
    finished = back(off(), **answer)
    assert (finished.outcome, finished.connection) == (outcome, None)
    assert not Connection.objects.exists()
    assert remote.count("authorization_code") == 0


@pytest.mark.parametrize(
    ("iss", "outcome"),
    [
        ("{url}", "connected"), ("", "wrong_issuer"), ("{url}/", "wrong_issuer"),
        ("{upper}", "wrong_issuer"),
    ],
)  # fmt: skip
def test_a_promise_of_iss_is_held_against_the_answer(off, back, remote, iss, outcome):
    remote.server_overrides = {"authorization_response_iss_parameter_supported": True}
    remote.publish()
    told = iss.format(url=remote.url, upper=remote.url.upper())
    assert back(off(), code="c", unverified_issuer=told).outcome == outcome


@pytest.mark.parametrize("status", [400, 401, 500])
def test_a_code_that_is_refused(off, back, remote, status, caplog):
    sent = off()
    remote.failures = [status]
    assert back(sent).outcome == "code_exchange_failed"
    assert not Connection.objects.exists()
    assert LEAK not in caplog.text


def test_a_client_that_it_forgot_is_registered_anew(off, back, remote):
    sent = off()
    remote.failures, remote.error = [401], "invalid_client"
    assert back(sent).outcome == "code_exchange_failed"
    assert off()["client_id"] == "client-2"


def test_an_endpoint_that_moved_is_found_for_the_next_hop(off, back, remote):
    sent = off()
    remote.failures, remote.error = [404], "not_found"
    remote.server_overrides = {"token_endpoint": f"{remote.url}/token2"}
    remote.publish()
    assert back(sent).outcome == "code_exchange_failed"
    assert back(off()).outcome == "connected"
    assert len(remote.registered) == 1


@pytest.mark.parametrize("change", [{"issuer": "https://other.example"}, {"client_id": "other"}])
def test_what_changed_under_way(off, back, remote, change):
    sent = off()
    UpstreamConfig.objects.update(**change)
    assert back(sent).outcome == "changed_server"
    assert remote.count("authorization_code") == 0


@pytest.mark.spec("Negative tests", "D8.7", "MUST", "connecting again keeps the registered client")
def test_connecting_again_keeps_client_and_connection(off, back, remote):
    first = back(off()).connection
    again = back(off()).connection
    assert first.pk == again.pk
    assert len(remote.registered) == 1
