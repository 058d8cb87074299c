"""Clients that others wrote, unmodified, against the running server: each does the whole job."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import threading
import time

import httpx
import pytest

from tests.support import node
from tests.support.factories import PASSWORD, make_client, make_resource, make_user
from tests.support.oauth_client import OAuthClient, User
from tests.support.server import ROOT, free_port, start_group, stop_group, wait_until_up

REDIRECT = "http://127.0.0.1:8765/callback"
PATIENCE = 90
DEMO_PATH = {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'deploy'}"}

pytestmark = [pytest.mark.server, pytest.mark.slow]


@pytest.fixture
def person(transactional_db):
    user = make_user(email="person@example.com", password=PASSWORD)
    return User(user.email, PASSWORD)


@pytest.fixture
def resource(transactional_db):
    return make_resource(slug="tools", uri="https://tools.example.com/mcp")


@contextlib.contextmanager
def limited(process):
    """The process is killed when it talks for too long, so that a silent client fails its test."""
    alarm = threading.Timer(PATIENCE, process.kill)
    alarm.start()
    try:
        with process:
            yield
    finally:
        alarm.cancel()
        process.kill()


def converse(script, *arguments, browser, person):
    """The facts that the client reports after its flow. The test is its user's browser."""
    process = subprocess.Popen(
        [str(node.find_node()), script, *arguments],
        cwd=node.FOLDER,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with limited(process):
        for line in process.stdout:
            word, _, rest = line.strip().partition(" ")
            if word == "AUTHORIZE":
                arrived = browser.follow(rest, person, redirect_uri=REDIRECT)
                process.stdin.write(f"{arrived}\n")
                process.stdin.flush()
            elif word == "DONE":
                return json.loads(rest)
        pytest.fail(f"{script} ended early:\n{process.stderr.read()[-3000:]}")


@pytest.mark.node
def test_oauth4webapi_as_a_public_client(server, person, resource):
    url = server().url

    facts = converse(
        "oauth4webapi.mjs", url, resource.uri, REDIRECT, browser=OAuthClient.at(url), person=person
    )

    assert facts["scope"] == "read"
    assert facts["rotated"]
    assert facts["sameSubject"]
    assert facts["refusedAs"] == "invalid_grant"


@pytest.mark.node
def test_openid_client_as_a_confidential_client(server, person, resource):
    url = server().url

    facts = converse(
        "openid-client.mjs", url, resource.uri, REDIRECT, browser=OAuthClient.at(url), person=person
    )

    assert facts == {
        "rotated": True,
        "tokenType": "bearer",
        "before": True,
        "after": False,
        "refusedAs": "invalid_grant",
    }


@pytest.mark.node
def test_oauth4webapi_with_bound_tokens_and_required_nonces(server, person, resource):
    url = server(AUTHPLANE_DPOP_REQUIRE_NONCE="true").url

    facts = converse(
        "oauth4webapi-dpop.mjs", url, resource.uri, REDIRECT,
        browser=OAuthClient.at(url), person=person,
    )  # fmt: skip

    assert facts == {
        "demands": 2,  # the client's first request, and the first one by the other key
        "refusedAs": "invalid_grant",
        "types": ["dpop", "dpop"],
        "bound": True,
    }


@pytest.mark.node
@pytest.mark.parametrize("required", ["true", "false"])
def test_openid_client_with_bound_tokens(server, person, resource, required):
    url = server(AUTHPLANE_DPOP_REQUIRE_NONCE=required).url

    facts = converse(
        "openid-client-dpop.mjs", url, resource.uri, REDIRECT,
        browser=OAuthClient.at(url), person=person,
    )  # fmt: skip

    assert facts == {
        "types": ["dpop", "dpop"],
        "email": person.email,
        "unboundRefusedAs": "invalid_dpop_proof",
    }


@pytest.mark.node
def test_openid_client_signs_and_pushes_its_requests(server, person, resource):
    url = server().url

    facts = converse(
        "openid-client-pushed.mjs", url, resource.uri, REDIRECT,
        browser=OAuthClient.at(url), person=person,
    )  # fmt: skip

    assert facts == {
        "signedUrl": ["client_id", "request"],
        "pushedUrl": ["client_id", "request_uri"],
        "scope": "read",
        "before": True,
        "after": False,
        "unsignedRefusedAs": "invalid_request",
    }


@pytest.mark.node
def test_oauth4webapi_pushes_its_requests(server, person, resource):
    url = server().url

    facts = converse(
        "oauth4webapi-pushed.mjs", url, resource.uri, REDIRECT,
        browser=OAuthClient.at(url), person=person,
    )  # fmt: skip

    assert facts == {"expiresIn": 60, "scope": "read", "isOwn": True}


@pytest.mark.node
def test_the_conformance_suite_finds_nothing(server, person, resource):
    port = free_port()
    redirect = f"http://127.0.0.1:{port}/callback"
    row = make_client(redirect_uris=redirect, scope="read write")
    url = server().url
    process = subprocess.Popen(
        [
            str(node.find_node()),
            "node_modules/@modelcontextprotocol/conformance/dist/index.js",
            "authorization",
            "--url", url,
            "--client-id", row.client_id,
            "--resource", resource.uri,
            "--port", str(port),
        ],
        cwd=node.FOLDER, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    browser, printed = OAuthClient.at(url), []
    with limited(process):
        for line in process.stdout:
            printed.append(line)
            if found := re.search(rf"{re.escape(url)}/\S*authorize\?\S+", line):
                arrived = browser.follow(found.group(), person, redirect_uri=redirect)
                httpx.get(arrived, trust_env=False)

    output = "".join(printed)
    assert process.returncode == 0, output
    assert "SUCCESS" in output or "passed" in output.lower(), output
    assert not re.search(r"WARNING|FAILURE|✗", output), output


@pytest.fixture
def notes(transactional_db):
    """The resource of the demo's MCP server, and the port it listens on."""
    port = free_port()
    scopes = [
        {"name": "notes:read", "description": "Read your notes."},
        {"name": "notes:write", "description": "Add notes.", "default": False},
    ]
    return make_resource(slug="notes", uri=f"http://localhost:{port}/mcp", scopes=scopes), port


@contextlib.contextmanager
def mcp_server(issuer, port, *, folder):
    """The demo's MCP server in a process of its own."""
    log = folder / "mcp-server.log"
    command = [sys.executable, "-m", "demo.mcp_server", issuer, str(port)]
    with log.open("wb") as output:
        process = start_group(command, env=os.environ | DEMO_PATH, output=output)
        try:
            wait_until_up(f"http://localhost:{port}/mcp", process=process, log=log)
            yield
        finally:
            stop_group(process)


@pytest.mark.spec("MCP 2026-07-28", "scope challenge", "SHOULD", "a call that needs more says so")
def test_the_mcp_package_signs_in_calls_refreshes_and_steps_up(server, person, notes, tmp_path):
    resource, port = notes
    env = os.environ | DEMO_PATH
    env |= {"DEMO_EMAIL": person.email, "DEMO_PASSWORD": person.password}

    with mcp_server(server().url, port, folder=tmp_path):
        client = subprocess.run(
            [sys.executable, "-m", "demo.mcp_client", resource.uri],
            cwd=ROOT, env=env, capture_output=True, text=True, timeout=PATIENCE, check=False,
        )  # fmt: skip

    assert client.returncode == 0, client.stdout + client.stderr
    assert client.stdout.count("== user ") == 3
    assert "grant_type=refresh_token" in client.stdout
    _, _, stepped_up = client.stdout.partition('error="insufficient_scope"')
    assert "scope=notes:read offline_access notes:write" in stepped_up
    assert "note(s), notes:read notes:write" in stepped_up


def test_the_mcp_server_refuses_a_token_whose_key_was_withdrawn(server, person, notes, tmp_path):
    resource, port = notes
    running = server()
    client = OAuthClient.at(running.url, resource=resource.uri, scope="notes:read")
    client.register()
    token = client.tokens(person)["access_token"]
    withdrawn = {key["kid"] for key in client.jwks()["keys"]}

    def status():
        with mcp_server(running.url, port, folder=tmp_path):
            headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
            return httpx.post(resource.uri, headers=headers, json={}, trust_env=False).status_code

    before = status()
    running.manage("rotate_keys", "--immediate", "--withdraw")
    wait_until_gone(withdrawn, client=client)
    after = status()

    assert before != 401
    assert after == 401


def wait_until_gone(withdrawn, *, client):
    """No process publishes these keys any more: within the time that keys are cached."""
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        published = [{key["kid"] for key in client.jwks()["keys"]} for _ in range(8)]
        if not any(kids & withdrawn for kids in published):
            return
        time.sleep(0.2)
    pytest.fail("the withdrawn key is still published")


def test_authlib_as_a_confidential_client(server, person, resource):
    from authlib.integrations.httpx_client import OAuth2Client

    url = server().url
    browser = OAuthClient.at(url, redirect_uri=REDIRECT)
    registered = browser.register(
        token_endpoint_auth_method="client_secret_post", scope="read"
    ).json()
    metadata = browser.metadata()
    with OAuth2Client(
        client_id=registered["client_id"],
        client_secret=registered["client_secret"],
        token_endpoint_auth_method="client_secret_post",
        revocation_endpoint_auth_method="client_secret_post",
        redirect_uri=REDIRECT,
        scope="read",
        code_challenge_method="S256",
        trust_env=False,
    ) as client:
        verifier = "v" * 48
        address, state = client.create_authorization_url(
            metadata["authorization_endpoint"], code_verifier=verifier, resource=resource.uri
        )
        arrived = browser.follow(address, person, redirect_uri=REDIRECT)
        token = client.fetch_token(
            metadata["token_endpoint"],
            authorization_response=arrived,
            state=state,
            code_verifier=verifier,
            resource=resource.uri,
        )
        renewed = client.refresh_token(
            metadata["token_endpoint"], refresh_token=token["refresh_token"]
        )
        active = client.introspect_token(
            metadata["introspection_endpoint"], token=renewed["access_token"]
        )
        revoked = client.revoke_token(
            metadata["revocation_endpoint"], token=renewed["access_token"]
        )
        ended = client.introspect_token(
            metadata["introspection_endpoint"], token=renewed["access_token"]
        )

    assert renewed["access_token"] != token["access_token"]
    assert active.json()["active"] is True
    assert revoked.status_code == 200, revoked.text
    assert ended.json() == {"active": False}
