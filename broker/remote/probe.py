"""Ask a remote MCP server whether it needs an account, and what it says about where to get one."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from authplane.core import fetch
from authplane.core.fetch import FetchFailed, FetchRefused
from authplane.core.pinned import left
from broker.remote.challenges import Challenge, read_challenge
from broker.remote.errors import UNREACHABLE, DiscoveryFailed
from broker.upstream.reach import reach_of
from broker.upstream.token_endpoint import is_success

SECONDS: Final = 5.0
VERSION: Final = "2025-11-25"
INITIALIZE: Final = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": VERSION,
        "capabilities": {},
        "clientInfo": {"name": "authplane", "version": "1"},
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """What the server answered. `requires_auth` is None when the answer does not say."""

    requires_auth: bool | None
    challenge: Challenge


def probe(url: str, *, deadline: float) -> Probed:
    """Whether the server wants a token.

    Only the status and the headers are read: an answer may be a stream of events that never ends.
    What its body says is of no interest: URLs for users to open are not taken from there.
    ``deadline`` is of the monotonic clock.

    Spec: MCP 2025-11-25 authorization (401 with a challenge where authorization is required).
    Raises: DiscoveryFailed (unreachable).
    """
    try:
        answer = fetch.send(
            "POST", url, document=INITIALIZE, wants_body=False,
            headers={
                "Accept": "application/json, text/event-stream", "MCP-Protocol-Version": VERSION,
            },
            max_bytes=0, timeout=min(SECONDS, left(deadline)), reach=reach_of(url),
        )  # fmt: skip
    except (FetchRefused, FetchFailed) as failed:
        raise DiscoveryFailed(UNREACHABLE, failed.reason) from None
    if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise DiscoveryFailed(UNREACHABLE, f"status {answer.status}")
    challenge = read_challenge(answer.headers.get("www-authenticate", ""))
    if answer.status == HTTPStatus.UNAUTHORIZED or challenge.resource_metadata:
        return Probed(requires_auth=True, challenge=challenge)
    return Probed(requires_auth=False if is_success(answer.status) else None, challenge=challenge)
