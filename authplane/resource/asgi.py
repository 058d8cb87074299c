"""Stand before an ASGI application: verify, refuse with a challenge, publish the metadata.

Put it among a Starlette application's middleware, or around any other. CORS, where browsers call,
belongs outside of it, because a preflight carries no token.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any, Final, TypeAlias
from urllib.parse import quote

from .challenge import answer
from .errors import Refused, Unavailable
from .metadata import document, metadata_path
from .request import Incoming, values_of
from .server import ResourceServer

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

log = logging.getLogger(__name__)
_POLICY_VIOLATION: Final = 1008
# What RFC 3986 section 3.3 lets stand in a path.
_PATH: Final = "/:@!$&'()*+,;="


class Guard:
    """Lets requests with a good token through; the application finds it in `request.state.token`.

    `public` lists paths that anyone may call. `scopes_for(scope)` names further scopes that a
    request needs. `certificate(scope)` hands in the caller's certificate in DER. A `Refused` that
    the application raises before it answers is answered with its challenge as well, so that
    `request.state.token.require("write")` asks the client for more scope.
    """

    def __init__(
        self,
        app: App,
        *,
        server: ResourceServer,
        public: Sequence[str] = (),
        scopes_for: Callable[[Scope], tuple[str, ...]] | None = None,
        certificate: Callable[[Scope], bytes | None] | None = None,
    ) -> None:
        self._app, self._server = app, server
        self._public = frozenset(public)
        self._scopes_for, self._certificate = scopes_for, certificate
        self._metadata_path = metadata_path(server.protection.resource)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the application's own life cycle, which nobody has to ask for."""
        if scope["type"] not in {"http", "websocket"} or scope["path"] in self._public:
            await self._app(scope, receive, send)
        elif scope["type"] == "http" and scope["path"] == self._metadata_path:
            await send_metadata(scope, send, server=self._server)
        else:
            await self._guarded(scope, receive, send)

    async def _guarded(self, scope: Scope, receive: Receive, send: Send) -> None:
        nonce, has_begun = "", False

        async def watched(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            if nonce and message["type"] == "http.response.start":
                header = (b"dpop-nonce", nonce.encode())
                message = {**message, "headers": [*message.get("headers", ()), header]}
            await send(message)

        try:
            scopes = self._scopes_for(scope) if self._scopes_for else ()
            token = await self._server.averify(self._incoming(scope), scopes=scopes)
            nonce = token.nonce
            scope.setdefault("state", {})["token"] = token
            await self._app(scope, receive, watched)
        except (Refused, Unavailable) as refusal:
            if has_begun:
                raise
            await send_refusal(scope, send, refusal=refusal, server=self._server)

    def _incoming(self, scope: Scope) -> Incoming:
        return incoming(
            scope,
            server=self._server,
            certificate=self._certificate(scope) if self._certificate else None,
        )


def incoming(scope: Scope, *, server: ResourceServer, certificate: bytes | None = None) -> Incoming:
    """The credentials of an ASGI request, addressed as the configuration says it is called."""
    raw: bytes = scope.get("raw_path") or quote(scope["path"], safe=_PATH).encode()
    return Incoming(
        method=scope.get("method", "GET"),
        url=server.protection.root_url + raw.partition(b"?")[0].decode("latin-1"),
        authorization=values_of(scope["headers"], b"authorization"),
        proofs=values_of(scope["headers"], b"dpop"),
        query=scope.get("query_string", b"").decode("latin-1"),
        certificate=certificate,
    )


async def send_refusal(
    scope: Scope, send: Send, *, refusal: Refused | Unavailable, server: ResourceServer
) -> None:
    """The challenge; a websocket is closed before it opens."""
    log.info("request refused", extra={"reason": str(refusal)})
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": _POLICY_VIOLATION})
        return
    told = answer(refusal, protection=server.protection)
    await _send(send, status=told.status, headers=told.headers, body=told.body)


async def send_metadata(scope: Scope, send: Send, *, server: ResourceServer) -> None:
    """The metadata document, for scripts of any origin.

    Spec: RFC 9728 section 3.2.
    """
    headers = [
        ("Content-Type", "application/json"),
        ("Cache-Control", "public, max-age=300"),
        ("Access-Control-Allow-Origin", "*"),
        ("Access-Control-Allow-Headers", "*"),
    ]
    if scope["method"] == "OPTIONS":
        await _send(send, status=204, headers=headers[2:], body=b"")
    elif scope["method"] in {"GET", "HEAD"}:
        body = json.dumps(document(server.protection)).encode()
        await _send(send, status=200, headers=headers, body=body, head=scope["method"] == "HEAD")
    else:
        await _send(send, status=405, headers=[("Allow", "GET, HEAD, OPTIONS")], body=b"")


async def _send(
    send: Send,
    *,
    status: int,
    headers: Sequence[tuple[str, str]],
    body: bytes,
    head: bool = False,
) -> None:
    sized = [*headers, ("Content-Length", str(len(body)))]
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in sized]
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": b"" if head else body})
