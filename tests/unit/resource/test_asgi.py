"""The guard before an ASGI application, and before an MCP server."""

import asyncio
import json

import httpx
import pytest

from authplane.resource import Refused, Unavailable
from authplane.resource.asgi import Guard
from authplane.resource.for_mcp import MAX_MESSAGE, TokenVerifier, called_tools, protect
from authplane.resource.nonces import LIFETIME, Nonces

ROOT = "https://mcp.example.com"
SECRET = b"0123456789abcdef"


async def echo(scope, receive, send):
    """Tells what reached it."""
    body = b""
    while (message := await receive())["type"] == "http.request":
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    user = scope.get("user")
    told = {
        "sub": scope["state"]["token"].subject if "token" in scope.get("state", {}) else None,
        "user": user.access_token.subject if user else None,
        "body": body.decode(),
    }
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": json.dumps(told).encode()})


def call(app, method="POST", path="/mcp", **options):
    async def ask():
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url=ROOT) as http:
            return await http.request(method, path, **options)

    return asyncio.run(ask())


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def server(world):
    """Its keys are known already: the table answers the synchronous check alone."""

    def made(**settings):
        server = world.server(**settings)
        server.verify(world.bearer(world.token(scope="read write admin")))
        return server

    return made


def test_a_good_token_reaches_the_application(world, server):
    answer = call(Guard(echo, server=server()), headers=bearer(world.token()))

    assert (answer.status_code, answer.json()["sub"]) == (200, "user-1")


def test_public_paths_and_metadata_need_none(server):
    guard = Guard(echo, server=server(), public=["/health"])

    assert call(guard, "GET", "/health").json()["sub"] is None
    path = "/.well-known/oauth-protected-resource/mcp"
    assert call(guard, "GET", path).json()["resource"] == f"{ROOT}/mcp"
    assert call(guard, "HEAD", path).content == b""
    assert call(guard, "OPTIONS", path).headers["access-control-allow-origin"] == "*"
    assert call(guard, "POST", path).status_code == 405
    assert call(guard, "GET", "/health/").status_code == 401
    assert call(guard, "GET", "/.well-known/oauth-protected-resource").status_code == 401


def test_scopes_may_depend_on_the_request(world, server):
    guard = Guard(
        echo, server=server(), scopes_for=lambda scope: ("write",) * (scope["method"] == "PUT")
    )

    assert call(guard, "GET", headers=bearer(world.token())).status_code == 200
    refused = call(guard, "PUT", headers=bearer(world.token()))
    assert refused.status_code == 403
    assert 'scope="write"' in refused.headers["www-authenticate"]


def test_the_proof_names_the_address_that_is_configured(world, server):
    guard = Guard(echo, server=server(public_url=f"{ROOT}/behind"))
    token = world.bound_token()

    def status(url):
        proof = world.proof(token, htu=url)
        headers = {"Authorization": f"DPoP {token}", "DPoP": proof, "Host": "other.example"}
        return call(guard, path="/mcp", headers=headers).status_code

    assert status(f"{ROOT}/behind/mcp") == 200
    assert status(f"{ROOT}/mcp") == 401
    assert status("https://other.example/mcp") == 401


def test_an_ageing_nonce_is_renewed_with_the_answer(world, server):
    guard, token = Guard(echo, server=server(nonce_secret=SECRET)), world.bound_token()
    nonce = Nonces(SECRET).new(world.now - LIFETIME / 2 - 1)
    proof = world.proof(token, nonce=nonce)
    answer = call(guard, headers={"Authorization": f"DPoP {token}", "DPoP": proof})

    assert answer.status_code == 200
    assert answer.headers["dpop-nonce"] not in {"", nonce}


def test_a_refusal_in_the_middle_is_answered_unless_it_comes_too_late(world, server):
    async def late(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        scope["state"]["token"].require("write")

    async def early(scope, receive, send):
        scope["state"]["token"].require("write")

    headers = bearer(world.token())
    assert call(Guard(early, server=server()), headers=headers).status_code == 403
    with pytest.raises(Refused):
        call(Guard(late, server=server()), headers=headers)


def test_what_cannot_be_decided_is_503(world, server):
    def spend(_key, _seconds):
        raise ConnectionError

    token = world.bound_token()
    headers = {"Authorization": f"DPoP {token}", "DPoP": world.proof(token)}
    answer = call(Guard(echo, server=server(spend=spend)), headers=headers)

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


def test_a_shared_memory_may_be_asynchronous(world, server):
    async def spend(_key, _seconds):
        return False

    guard, token = Guard(echo, server=server(spend=spend)), world.bound_token()
    headers = {"Authorization": f"DPoP {token}", "DPoP": world.proof(token)}

    assert call(guard, headers=headers).json()["error"] == "invalid_dpop_proof"


@pytest.mark.parametrize("has_token", [True, False])
def test_a_websocket_opens_with_a_token_only(world, server, has_token):
    sent, reached = [], []

    async def app(scope, receive, send):
        reached.append(scope["state"]["token"].subject)

    async def send(message):
        sent.append(message)

    headers = [(b"authorization", f"Bearer {world.token()}".encode())] if has_token else []
    scope = {"type": "websocket", "path": "/mcp", "headers": headers, "query_string": b""}
    asyncio.run(Guard(app, server=server())(scope, None, send))

    assert reached == (["user-1"] if has_token else [])
    assert sent == ([] if has_token else [{"type": "websocket.close", "code": 1008}])


def test_the_life_cycle_passes(server):
    seen = []

    async def app(scope, receive, send):
        seen.append(scope["type"])

    asyncio.run(Guard(app, server=server())({"type": "lifespan"}, None, None))
    assert seen == ["lifespan"]


def tool_call(name):
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": name}}


def test_a_tool_that_needs_more_scope_says_so_before_it_runs(world, server):
    app = protect(echo, server=server(scopes=("read",)), tool_scopes={"add": ("write",)})
    headers = bearer(world.token())

    other = call(app, json=tool_call("list"), headers=headers)
    assert json.loads(other.json()["body"]) == tool_call("list")
    assert other.json()["user"] == "user-1"
    refused = call(app, json=tool_call("add"), headers=headers)
    assert refused.status_code == 403
    assert 'scope="read write"' in refused.headers["www-authenticate"]
    batch = call(app, json=[tool_call("list"), tool_call("add")], headers=headers)
    assert batch.status_code == 403
    more = bearer(world.token(scope="read write"))
    assert call(app, json=tool_call("add"), headers=more).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b'{"a":1,"a":2}', b"\xff\xfe{\x00}\x00", b"\xef\xbb\xbf{}", b"[" * 100_000,
        b'{"method":"ping","method":"tools/call","params":{"name":"add"}}',
    ],
)  # fmt: skip
def test_a_message_that_can_be_read_in_two_ways_is_refused(world, server, body):
    app = protect(echo, server=server(), tool_scopes={"add": ("write",)})

    assert call(app, content=body, headers=bearer(world.token())).status_code == 400


def test_a_message_without_end_is_not_read_to_its_end(world, server):
    app = protect(echo, server=server(), tool_scopes={"add": ("write",)})
    body = b" " * (MAX_MESSAGE + 1)

    assert call(app, content=body, headers=bearer(world.token())).status_code == 413


@pytest.mark.parametrize(
    ("message", "tools"),
    [
        ({}, []),
        (7, []),
        (tool_call("a"), ["a"]),
        (tool_call(7), []),
        ({"method": "tools/call", "params": ["a"]}, []),
        ({"method": "tools/list", "params": {"name": "a"}}, []),
        ([tool_call("a"), 7, tool_call("b")], ["a", "b"]),
    ],
)
def test_which_tools_a_message_calls(message, tools):
    assert called_tools(json.dumps(message).encode()) == tools


def test_the_verifier_of_the_mcp_package(world, server):
    verifier = TokenVerifier(server())
    verified = asyncio.run(verifier.verify_token(world.token(scope="read write")))

    assert (verified.subject, verified.client_id) == ("user-1", "client-1")
    assert verified.scopes == ["read", "write"]
    assert verified.resource == f"{ROOT}/mcp"
    assert verified.claims["iss"] == "https://as.example.com"
    for bad in (world.bound_token(), world.token(aud=ROOT), "x", ""):
        assert asyncio.run(verifier.verify_token(bad)) is None


def test_an_outage_lets_nobody_in_through_the_verifier(world, monkeypatch):
    server = world.server()

    async def gone(*_, **__):
        raise Unavailable("gone")

    monkeypatch.setattr(type(server), "averify", gone)
    assert asyncio.run(TokenVerifier(server).verify_token(world.token())) is None
