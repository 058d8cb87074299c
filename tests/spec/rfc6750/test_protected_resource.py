"""RFC 6750 at a resource that `authplane.resource` protects, over HTTP."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from authplane.resource.asgi import Guard
from tests.unit.resource.conftest import World

ROOT = "https://mcp.example.com"


@pytest.fixture
def world():
    return World()


@pytest.fixture
def call(world):
    """`call(headers=..., params=...)` posts to a resource that needs `read`."""
    server = world.server(scopes=("read",), dpop="off")
    # The table of this world answers the synchronous check; afterwards the keys are known.
    server.verify(world.bearer(world.token()))

    async def application(scope, receive, send):
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def ask(**options):
        transport = httpx.ASGITransport(app=Guard(application, server=server))
        async with httpx.AsyncClient(transport=transport, base_url=ROOT) as http:
            return await http.post("/mcp", **options)

    return lambda **options: asyncio.run(ask(**options))


def challenge(answer):
    return answer.headers["www-authenticate"]


@pytest.mark.spec("RFC 6750", "2.1", "MUST", "a token in the Authorization header is accepted")
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_token_in_the_header(world, call, scheme):
    assert call(headers={"Authorization": f"{scheme} {world.token()}"}).status_code == 204


@pytest.mark.spec("RFC 6750", "2.2", "MAY", "a token in the body is no credential")
def test_a_token_in_the_body_is_none(world, call):
    answer = call(data={"access_token": world.token()})

    assert answer.status_code == 401
    assert "error=" not in challenge(answer)


@pytest.mark.spec("RFC 6750", "2.3", "SHOULD", "access tokens in the query are not accepted")
def test_a_token_in_the_query_is_refused_even_beside_a_good_one(world, call):
    token = world.token()
    for headers in ({}, {"Authorization": f"Bearer {token}"}):
        answer = call(params={"access_token": token}, headers=headers)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
        assert token not in answer.text


@pytest.mark.spec("RFC 6750", "3", "MUST", "a request without a valid token is challenged")
def test_without_a_token_the_challenge_says_what_to_ask_for_and_no_error(call):
    answer = call()

    assert answer.status_code == 401
    assert challenge(answer) == (
        f'Bearer scope="read", resource_metadata="{ROOT}/.well-known/oauth-protected-resource/mcp"'
    )


@pytest.mark.spec("RFC 6750", "3", "MUST", "a request without a valid token is challenged")
@pytest.mark.parametrize("changes", [{"exp": 1}, {"aud": "https://other.example"}, {"iss": "x"}])
def test_a_token_that_is_not_good_here_is_invalid_whatever_the_reason(world, call, changes):
    answers = [
        call(headers={"Authorization": f"Bearer {token}"})
        for token in (world.token(**changes), "unknown")
    ]

    assert {answer.status_code for answer in answers} == {401}
    assert len({(challenge(answer), answer.text) for answer in answers}) == 1
    assert challenge(answers[0]).startswith('Bearer error="invalid_token", ')


@pytest.mark.spec(
    "RFC 6750", "3.1", "SHOULD", "a token without the needed scope is 403 insufficient_scope"
)
def test_a_token_without_the_scope(world, call):
    answer = call(headers={"Authorization": f"Bearer {world.token(scope='write')}"})

    assert (answer.status_code, answer.json()["error"]) == (403, "insufficient_scope")
    assert 'error="insufficient_scope"' in challenge(answer)
    assert 'scope="read"' in challenge(answer)


@pytest.mark.spec("RFC 6750", "2", "MUST", "a request uses one way to send its token")
def test_two_credentials_are_one_too_many(world, call):
    token = world.token()
    twice = [("Authorization", f"Bearer {token}"), ("Authorization", f"Bearer {token}")]

    assert call(headers=twice).status_code == 400
