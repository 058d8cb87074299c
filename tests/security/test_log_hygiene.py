"""No secret, code, verifier or token in any log line, at any level, of any logger."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from django.db import connection

from authplane.core.logging import QUIET, JsonFormatter, Redaction, TextFormatter
from tests.support.oauth_client import JWT_BEARER, FlowStopped, User
from tests.support.pushed import PREFIX, arrive, push, pushed


@dataclass
class Heard:
    """What was logged: as the server would write it, and as the loggers said it."""

    written: list[str] = field(default_factory=list)
    said: list[tuple[str, str]] = field(default_factory=list)

    def said_by(self, prefix: str | tuple[str, ...]) -> list[str]:
        return [text for name, text in self.said if name.startswith(prefix)]


class Listener(logging.Handler):
    """Hears each record before any other handler can change it."""

    def __init__(self, heard: Heard) -> None:
        super().__init__(logging.DEBUG)
        self.heard = heard

    def emit(self, record: logging.LogRecord) -> None:
        formatter = logging.Formatter()
        told = [record.getMessage(), repr(record.args), repr(record.__dict__)]
        if record.exc_info:
            told.append(formatter.formatException(record.exc_info))
        self.heard.said.append((record.name, "\n".join(told)))
        for wanted in (JsonFormatter(add_source=True), TextFormatter(add_source=True)):
            copy = logging.makeLogRecord(record.__dict__)
            if Redaction().filter(copy):
                self.heard.written.append(wanted.format(copy))


@contextmanager
def every_logger_at_debug() -> Iterator[Heard]:
    """All that is logged within, whatever levels the configuration has set."""
    heard = Heard()
    listener, root = Listener(heard), logging.getLogger()
    loggers = [
        each for each in root.manager.loggerDict.values() if isinstance(each, logging.Logger)
    ]
    before = [(each, each.level, each.propagate, each.disabled) for each in [root, *loggers]]
    for each in [root, *loggers]:
        each.setLevel(logging.DEBUG)
        each.propagate, each.disabled = True, False
    root.handlers.insert(0, listener)
    connection.force_debug_cursor = True
    try:
        yield heard
    finally:
        connection.force_debug_cursor = False
        root.removeHandler(listener)
        for each, level, propagate, disabled in before:
            each.setLevel(level)
            each.propagate, each.disabled = propagate, disabled


@pytest.fixture
def run(scene, monkeypatch):
    """A whole flow and every kind of failure; what was heard, and what nobody may hear."""
    secrets: dict[str, str] = {
        "password": scene.person.password,
        "wrong password": "wrong-password-7f3a",
        "client secret": scene.machine.client_secret,
        "wrong secret": "wrong-secret-5c1d-very-long",
        "made-up token": "made-up-token-1a2b3c4d5e6f",
        "assertion": "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJub2JvZHkifQ.c2lnbmF0dXJlLXg",
    }
    with every_logger_at_debug() as heard:
        _succeed(scene, secrets)
        _push(scene, secrets)
        _fail(scene, secrets)
        _break(scene, monkeypatch)
    for client in scene.client, scene.machine:
        for cookie in client.http.cookies.jar:
            secrets[f"cookie {cookie.name} {cookie.domain}"] = cookie.value or ""
    _, basic = scene.machine.client_authentication()
    secrets["Basic header"] = basic.partition(" ")[2]
    return heard, {name: value for name, value in secrets.items() if len(value) > 6}


def _succeed(scene, secrets):
    authorization = scene.machine.authorize(scene.person)
    secrets["code"], secrets["verifier"] = authorization.code, authorization.verifier
    secrets["state"] = authorization.sent["state"]
    first = scene.machine.redeem(authorization).json()
    second = scene.machine.refresh(first["refresh_token"]).json()
    scene.machine.refresh(first["refresh_token"])
    machine_token = scene.machine_token()
    for token in (second["access_token"], second["refresh_token"], machine_token):
        assert scene.machine.introspect(token).json()["active"] is True
    for number, tokens in enumerate((first, second)):
        secrets[f"access {number}"] = tokens["access_token"]
        secrets[f"refresh {number}"] = tokens["refresh_token"]
        secrets[f"signature {number}"] = tokens["access_token"].rpartition(".")[2]
    secrets["machine token"] = machine_token
    mine = scene.tokens(resource=None, scope="openid")
    secrets["user's token"] = mine["access_token"]
    assert scene.client.userinfo(mine["access_token"]).status_code == 200
    assert scene.machine.revoke(machine_token).status_code == 200


def _push(scene, secrets):
    reference, other = pushed(scene.client), pushed(scene.machine)
    secrets["pushed reference"] = reference.removeprefix(PREFIX)
    secrets["other pushed reference"] = other.removeprefix(PREFIX)
    arrive(scene.client, reference)
    arrive(scene.another_client(), reference)
    arrive(scene.client, other)
    push(scene.client, request_uri=reference)


def _fail(scene, secrets):
    replayed, fresh = scene.machine.authorize(scene.person), scene.authorize()
    for number, each in enumerate((replayed, fresh)):
        secrets[f"other code {number}"] = each.code
        secrets[f"other verifier {number}"] = each.verifier
    tokens = scene.machine.redeem(replayed).json()
    secrets["refresh to be replayed"] = tokens["refresh_token"]
    later = scene.machine.refresh(tokens["refresh_token"]).json()
    secrets["refresh to be ended"] = later["refresh_token"]
    scene.machine.refresh(later["refresh_token"], scope="unknown")
    scene.client.refresh(later["refresh_token"])
    scene.machine.refresh(later["refresh_token"])
    scene.machine.refresh(tokens["refresh_token"])
    scene.machine.redeem(replayed, code_verifier=fresh.verifier)
    scene.machine.redeem(replayed)
    for overrides in (
        {"code_verifier": "short"},
        {"code_verifier": replayed.verifier},
        {"redirect_uri": "https://evil.example.com/x"},
        {"resource": "https://unknown.example.com"},
        {"client_secret": secrets["wrong secret"]},
        {"code": secrets["made-up token"]},
        {"code": [fresh.code, fresh.code]},
    ):
        assert scene.client.redeem(fresh, **overrides).status_code >= 400
    scene.another_client().redeem(fresh)
    wrong = scene.machine.sibling(
        client_id=scene.machine.client_id,
        client_secret=secrets["wrong secret"],
        auth_method="client_secret_basic",
    )
    for token in (secrets["made-up token"], secrets["access 1"], secrets["refresh 1"]):
        wrong.introspect(token)
        wrong.revoke(token)
        scene.watcher.introspect(token)
        scene.client.userinfo(token)
        scene.client.refresh(token)
        scene.post("/oauth/revoke", {"token": token})
        scene.client.http.get("/oauth/token", params={"refresh_token": token, "code": fresh.code})
        scene.client.http.post("/token", json={"refresh_token": [token]})
        scene.client.http.post("/token", json={"grant_type": "refresh_token", "token": token})
        scene.client.http.post("/oauth/token", content=f"refresh_token={token}%zz")
        scene.client.http.post("/nothing", data={"token": token})
    scene.post(
        "/oauth/token",
        {
            "grant_type": "client_credentials",
            "client_assertion_type": JWT_BEARER,
            "client_assertion": secrets["assertion"],
        },
    )
    stranger = scene.another_client()
    with pytest.raises(FlowStopped):
        stranger.authorize(User(scene.person.email, secrets["wrong password"]))


def _break(scene, monkeypatch):
    """A failure of our own while secrets are at hand: the traceback is written."""
    from oauth.tokens import ledger

    def fail(*_, **__):
        raise RuntimeError("broken on purpose")

    with monkeypatch.context() as broken:
        for name in ("redeem_code", "rotate_refresh", "record_access"):
            broken.setattr(ledger, name, fail)
        authorization = scene.authorize()
        assert scene.client.redeem(authorization).status_code == 500
        assert scene.machine.client_credentials().status_code == 500


def test_no_line_holds_a_secret(run):
    heard, secrets = run

    assert any("broken on purpose" in line for line in heard.written)
    assert any("request refused" in line for line in heard.written)
    for line in heard.written:
        for name, secret in secrets.items():
            assert secret not in line, f"{name} in: {line}"


def test_nothing_of_ours_relies_on_the_redaction(run):
    """What our own code says holds no secret before anything is hidden."""
    heard, secrets = run
    ours = heard.said_by(("authplane", "oauth.", "audit", "broker", "admin_api", "django.request"))

    assert len(ours) > 20
    for line in ours:
        for name, secret in secrets.items():
            assert secret not in line, f"{name} in: {line}"


def test_talkative_libraries_were_heard_and_are_not_written(run):
    """The capture works: without the filter their lines would have been found."""
    heard, secrets = run

    library = "\n".join(heard.said_by("oauthlib"))
    assert secrets["refresh 0"] in library
    assert heard.said_by("django.db.backends")
    for line in heard.written:
        assert not any(f'"logger":"{name}' in line for name in QUIET)


def test_no_metric_holds_a_secret(run, scene):
    _, secrets = run

    answer = scene.client.http.get(
        "/metrics", auth=("metrics", "metrics-password-of-the-test-suite-07")
    )

    assert answer.status_code == 200
    assert "authserver_auth_denied_total" in answer.text
    for name, secret in secrets.items():
        assert secret not in answer.text, name
