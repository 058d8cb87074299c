"""Settings that show in a request and belong to no single route: one request obeys each."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import time

import pytest

from authplane.core.config import config
from tests.support import factories
from tests.support.oauth_client import OAuthClient
from tests.support.pages import form_with
from tests.support.server import free_port, start_group, stop_group, wait_until_up

ANOTHER_KEY = "another-key-of-the-same-length-01"
HALF_OF_THE_HEADERS = b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n"
REQUEST = HALF_OF_THE_HEADERS + b"\r\n"
HALF_OF_A_POST = (
    b"POST /oauth/token HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 40\r\n\r\ngrant_type="
)


@pytest.fixture
def client(oauth):
    resource = factories.make_resource()
    return factories.driver_for(factories.make_client(), base=oauth, resource=resource.uri)


@pytest.fixture
def person(db):
    return factories.person(factories.make_user())


@pytest.mark.shows("setting", "oauth.state_max_age")
def test_sign_in_and_consent_have_the_time_that_was_set(
    client, person, frozen_clock, override_config
):
    override_config(tokens={"sign_in_ttl": 45})
    client.sign_in(person)
    early, late = (client.http.get(client.start().headers["location"]) for _ in range(2))

    frozen_clock.shift(44)
    assert client.submit_consent(early).status_code == 303
    frozen_clock.shift(2)
    assert client.submit_consent(late).status_code == 400


@pytest.mark.shows("setting", "csrf.secret", "csrf.secret_old")
@pytest.mark.parametrize("is_kept", [True, False])
def test_a_form_outlives_its_secret_where_the_old_one_is_kept(
    client, person, override_config, is_kept
):
    page = client.http.get("/login")
    old = config().secrets.csrf if is_kept else ""
    override_config(secrets={"csrf": ANOTHER_KEY, "csrf_old": old})

    assert client.submit_sign_in(page, person).status_code == (303 if is_kept else 422)


@pytest.mark.shows("setting", "integrity.key", "integrity.key_old")
@pytest.mark.parametrize(("is_kept", "hint"), [(True, "ada@example.com"), (False, "")])
def test_a_waiting_request_outlives_its_key_where_the_old_one_is_kept(
    client, override_config, is_kept, hint
):
    """Only the request behind a genuine ticket may fill in the address."""
    sign_in = client.start(login_hint="ada@example.com").headers["location"]
    old = config().secrets.integrity if is_kept else ""
    override_config(secrets={"integrity": ANOTHER_KEY, "integrity_old": old})

    page = client.http.get(sign_in)

    assert form_with(page.text, url=str(page.url), field_name="password").value("email") == hint


def quiet_for(connection, *, limit):
    """Seconds until the server closed the connection. Raises: TimeoutError after `limit`."""
    connection.settimeout(limit)
    begun = time.monotonic()
    while connection.recv(4096):
        pass
    return time.monotonic() - begun


@pytest.fixture
def listen(tmp_path):
    """`listen(server, AUTHPLANE_...=...)`: process and port of the command that the image runs.

    There is no table in its database: nothing here gets as far as reading one.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AUTHPLANE_", "DATABASE_URL", "REDIS_URL"))
    }
    port, log = free_port(), tmp_path / "listener.log"
    address = {
        "DJANGO_SETTINGS_MODULE": "authplane.settings.dev",
        "AUTHPLANE_DATA_DIR": str(tmp_path),
        "AUTHPLANE_STORAGE_SQLITE_PATH": str(tmp_path / "empty.sqlite3"),
        "AUTHPLANE_SERVER_ISSUER": f"http://127.0.0.1:{port}",
        "AUTHPLANE_SERVER_ADDRESS": f"127.0.0.1:{port}",
    }
    with contextlib.ExitStack() as until_the_end:

        def start(server, **variables):
            process = start_group(
                [sys.executable, "manage.py", "listen", "--server", server, "--workers", "1"],
                env=kept | address | variables,
                output=until_the_end.enter_context(log.open("wb")),
            )
            until_the_end.callback(stop_group, process)
            wait_until_up(f"http://127.0.0.1:{port}/livez", process=process, log=log)
            return process, port

        yield start


@pytest.mark.server
@pytest.mark.slow
@pytest.mark.shows("setting", "server.address", "server.read_timeout", "server.shutdown_wait")
@pytest.mark.parametrize(
    ("server", "beginnings"),
    [("granian", (HALF_OF_THE_HEADERS, REQUEST)), ("gunicorn", (REQUEST,))],
)
def test_connections_and_requests_get_the_time_that_was_set(listen, server, beginnings):
    """A connection that says nothing is closed; a request in flight is waited for, not forever."""
    times = {"AUTHPLANE_SERVER_READ_TIMEOUT": "2s", "AUTHPLANE_SERVER_SHUTDOWN_WAIT": "2s"}
    process, port = listen(server, **times)

    for sent in beginnings:
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(sent)
            assert 1.5 < quiet_for(connection, limit=20) < 15

    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(HALF_OF_A_POST)
        time.sleep(0.5)
        begun = time.monotonic()
        process.terminate()
        process.wait(timeout=20)
    assert 1.5 < time.monotonic() - begun < 8


@pytest.mark.server
@pytest.mark.shows("setting", "session.cookie_name", "session.max_age", "session.same_site")
@pytest.mark.shows("setting", "server.allowed_hosts")
def test_sessions_and_host_names_are_as_they_were_set(server):
    person = factories.person(factories.make_user())
    running = server(
        processes=1,
        AUTHPLANE_SESSION_COOKIE_NAME="mine",
        AUTHPLANE_SESSION_MAX_AGE="2h",
        AUTHPLANE_SESSION_SAME_SITE="strict",
        AUTHPLANE_SERVER_ALLOWED_HOSTS="www.example.com",
    )
    browser = OAuthClient.at(running.url)

    signed_in = browser.sign_in(person)

    assert signed_in.status_code == 303
    (cookie,) = [
        line for line in signed_in.headers.get_list("set-cookie") if line.startswith("mine=")
    ]
    attributes = dict(part.partition("=")[::2] for part in cookie.split("; "))
    assert attributes["SameSite"] == "Strict"
    assert 7100 < int(attributes["Max-Age"]) <= 7200
    hosts = ("www.example.com", "elsewhere.example.com")
    answers = [browser.http.get("/login", headers={"Host": host}) for host in hosts]
    assert [answer.status_code for answer in answers] == [200, 400]
