"""Protected applications as they run: tokens of the running server, over real sockets."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import textwrap

import httpx
import pytest

from tests.support import factories
from tests.support.dpop import DPoPKey
from tests.support.oauth_client import OAuthClient
from tests.support.server import ROOT, free_port, start_group, stop_group, wait_until_up

pytestmark = [pytest.mark.server, pytest.mark.slow]


@pytest.fixture
def person(transactional_db):
    return factories.person(factories.make_user())


@pytest.fixture
def application(server, tmp_path, transactional_db):
    """`application(kind)` starts the authorization server and a protected application."""
    with contextlib.ExitStack() as until_the_end:

        def start(kind):
            port = free_port()
            url = f"http://localhost:{port}"
            factories.make_resource(slug="api", uri=f"{url}/api")
            running = server()
            log = tmp_path / "application.log"
            command = [sys.executable, "-m", "tests.support.resource_apps", kind, running.url,
                       str(port)]  # fmt: skip
            output = until_the_end.enter_context(log.open("wb"))
            process = start_group(command, env={"PYTHONPATH": str(ROOT)}, output=output)
            until_the_end.callback(stop_group, process)
            wait_until_up(f"{url}/health", process=process, log=log)
            http = httpx.Client(base_url=url, trust_env=False, timeout=30)
            return running, until_the_end.enter_context(http)

        yield start


def client_of(running, http):
    client = OAuthClient.at(running.url, resource=str(http.base_url.join("/api")))
    client.register()
    return client


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def challenge(answer):
    return ", ".join(answer.headers.get_list("www-authenticate"))


@pytest.mark.parametrize("kind", ["starlette", "django"])
def test_a_token_of_the_running_server(application, person, kind):
    running, http = application(kind)
    client = client_of(running, http)
    read = client.tokens(person, scope="read")["access_token"]

    # Discovered as a client does it, from the challenge on.
    unknown = http.get("/api")
    assert unknown.status_code == 401
    assert 'scope="read"' in challenge(unknown)
    assert "error=" not in challenge(unknown)
    metadata_url = challenge(unknown).partition('resource_metadata="')[2].partition('"')[0]
    metadata = httpx.get(metadata_url, trust_env=False)
    assert metadata.headers["access-control-allow-origin"] == "*"
    assert metadata.json()["resource"] == client.resource
    assert metadata.json()["authorization_servers"] == [client.issuer]
    assert metadata.json()["scopes_supported"] == ["read", "write"]

    answer = http.get("/api", headers=bearer(read))
    assert (answer.status_code, answer.json()["sub"]) == (200, client.claims(read)["sub"])

    # More scope than the token has, and then with it.
    more = http.post("/api/write", headers=bearer(read))
    assert more.status_code == 403
    assert 'error="insufficient_scope"' in challenge(more)
    assert 'scope="read write"' in challenge(more)
    write = client.tokens(person, scope="read write")["access_token"]
    assert http.post("/api/write", headers=bearer(write)).json() == {"written": True}

    # Another sign-in than the one there was.
    pay = http.post("/api/pay", headers=bearer(read))
    assert (pay.status_code, pay.json()["error"]) == (401, "insufficient_user_authentication")
    assert 'acr_values="gold silver", max_age="60"' in challenge(pay)

    # Credentials in the wrong place, twice, or spoiled.
    assert http.get("/api", params={"access_token": read}).status_code == 400
    assert http.get("/api", headers=bearer(f"{read[:-4]}AAAA")).status_code == 401
    twice = [("Authorization", f"Bearer {read}"), ("Authorization", f"Bearer {read}")]
    assert http.get("/api", headers=twice).status_code == 400
    for refused in (unknown, more, pay):
        assert refused.headers["cache-control"] == "no-store"
        assert read not in refused.text


@pytest.mark.parametrize("kind", ["starlette", "django"])
def test_a_bound_token_with_a_nonce_from_end_to_end(application, person, kind):
    running, http = application(f"{kind}+nonce")
    key = DPoPKey()
    client = client_of(running, http)
    client.dpop = key
    answer = client.tokens(person, scope="read")
    assert answer["token_type"] == "DPoP"
    token, url = answer["access_token"], client.resource
    # What the authorization server said about nonces is not for the resource.
    key.nonce = None

    def call(proof):
        return http.post("/api", headers={"Authorization": f"DPoP {token}", "DPoP": proof})

    first = call(key.proof(url, access_token=token))
    assert (first.status_code, first.json()["error"]) == (401, "use_dpop_nonce")
    key.nonce = first.headers["dpop-nonce"]
    proof = key.proof(url, access_token=token)
    assert call(proof).status_code == 200
    replayed = call(proof)
    assert (replayed.status_code, replayed.json()["error"]) == (401, "invalid_dpop_proof")
    assert challenge(replayed).startswith('DPoP error="invalid_dpop_proof"')
    other = DPoPKey()
    other.nonce = key.nonce
    assert call(other.proof(url, access_token=token)).status_code == 401
    assert http.post("/api", headers=bearer(token)).status_code == 401


@pytest.mark.parametrize("token_format", ["opaque", "jwt"])
def test_tokens_are_asked_about_and_revocation_counts(server, person, token_format):
    import asyncio

    from authplane.resource import Incoming, Introspection, Protection, Refused, ResourceServer

    watching = factories.make_confidential_client()
    policy = {"runtime": {"client_ids": [watching.row.client_id]}, "token_format": token_format}
    resource = factories.make_resource(policy=policy)
    running = server()
    client = OAuthClient.at(running.url, resource=resource.uri)
    client.register()
    token = client.tokens(person, scope="read")["access_token"]
    assert (token.count(".") == 2) is (token_format == "jwt")
    asking = Introspection(watching.row.client_id, watching.secret, for_all=True, cache=0)
    guard = ResourceServer(
        Protection(issuer=running.url, resource=resource.uri, introspection=asking)
    )
    incoming = Incoming(method="GET", url=resource.uri, authorization=(f"Bearer {token}",))

    verified = guard.verify(incoming, scopes=("read",))
    assert verified.client_id == client.client_id
    assert verified.claims["amr"] == ["pwd"]
    assert asyncio.run(guard.averify(incoming, max_age=600)).subject == verified.subject
    assert client.revoke(token).status_code == 200
    with pytest.raises(Refused, match="not active"):
        guard.verify(incoming)
    with pytest.raises(Refused, match="not active"):
        asyncio.run(guard.averify(incoming))


BLOCKED = """
    import sys

    class Blocker:
        def find_spec(self, name, path=None, target=None):
            if name.partition(".")[0] in {blocked!r}:
                raise ImportError(name)

    sys.meta_path.insert(0, Blocker())
    sys.modules.pop("django", None)
    import authplane.resource, authplane.resource.asgi, authplane.resource.challenge
    from authplane.resource import Protection, ResourceServer
    ResourceServer(Protection(issuer="https://a.example", resource="https://r.example"))
    ours = [name for name in sys.modules if name.startswith("authplane")]
    import json
    print(json.dumps(sorted(name for name in ours if not name.startswith("authplane.resource"))))
"""
NOT_NEEDED = {
    "django", "mcp", "starlette", "uvicorn", "oauth", "oauthlib", "oauth2_provider", "audit",
    "rest_framework", "redis", "psycopg", "celery", "yaml", "admin_api", "broker", "httpx2",
}  # fmt: skip


def test_the_helper_needs_no_django_and_nothing_of_the_server():
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(BLOCKED.format(blocked=NOT_NEEDED))],
        cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == ["authplane"]


def test_the_helper_may_be_copied_under_another_name(tmp_path):
    import shutil

    shutil.copytree(ROOT / "authplane" / "resource", tmp_path / "guarding")
    done = subprocess.run(
        [sys.executable, "-c", "import guarding.asgi, guarding.for_django, guarding.for_mcp"],
        cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
