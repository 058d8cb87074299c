"""A host of the internet that publishes documents: looked up by name, reached over loopback.

Names resolve to whatever a test says. Connections to `PUBLIC` end at a server of this process, so
that everything between name look-up and answer is the real code.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpcore
import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tests.support.background import answering

PUBLIC = "93.184.216.34"


@dataclass
class Page:
    """What one path answers."""

    document: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0


@dataclass
class Internet:
    """Hosts by name, pages by path, and what was asked of them."""

    addresses: dict[str, list[str]] = field(default_factory=dict)
    pages: dict[str, Page] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    looked_up: list[str] = field(default_factory=list)
    connected: list[str] = field(default_factory=list)

    def publish(self, path: str, document: Any, **members: Any) -> Page:
        """`path` answers with the document from now on."""
        self.pages[path] = Page(document, **members)
        return self.pages[path]

    def look_up(self, host: str, port: int) -> list[str]:
        """Names that nobody mentioned live at a public address."""
        self.looked_up.append(host)
        return self.addresses.get(host, [PUBLIC])

    def paths(self) -> list[str]:
        """Every path that was asked for, in order."""
        return [path for path, _ in self.asked]


@contextlib.contextmanager
def internet(monkeypatch: Any) -> Iterator[Internet]:
    """The only way out leads here. TLS is left out: documents are fetched as if it had held."""
    from authplane.core import pinned

    world = Internet()
    server = server_of(world)
    port = server.server_address[1]
    connect = httpcore.SyncBackend.connect_tcp

    def nearby(self: Any, host: str, asked_port: int, *args: Any, **kwargs: Any) -> Any:
        world.connected.append(host)
        assert host == PUBLIC, f"left for {host}"
        return connect(self, "127.0.0.1", port, *args, **kwargs)

    monkeypatch.setattr(pinned, "look_up", world.look_up)
    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", nearby)
    monkeypatch.setattr(pinned._DeadlineStream, "start_tls", lambda self, *a, **k: self)
    with answering(server):
        yield world


def server_of(world: Internet) -> ThreadingHTTPServer:
    """A server with these pages at a port of this host; it does not answer yet."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            world.asked.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
            page = world.pages.get(self.path, Page({"error": "not_found"}, status=404))
            time.sleep(page.seconds)
            status = page.status
            etag = page.headers.get("ETag")
            if etag and self.headers.get("If-None-Match") == etag:
                status = 304
            body = b"" if status == 304 else _encoded(page.document)
            self.send_response(status)
            for name, value in ({"Content-Type": "application/json"} | page.headers).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    return server


def _encoded(document: Any) -> bytes:
    return document if isinstance(document, bytes) else json.dumps(document).encode()


def signing_key(kid: str | None = "one", *, kind: str = "ES256") -> dict[str, Any]:
    """A private JWK for client assertions."""
    if kind in {"RS256", "PS256"}:
        private: Any = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        jwk = jwt.algorithms.RSAAlgorithm.to_jwk(private, as_dict=True)
    elif kind == "EdDSA":
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        jwk = jwt.algorithms.OKPAlgorithm.to_jwk(Ed25519PrivateKey.generate(), as_dict=True)
    else:
        private = ec.generate_private_key(ec.SECP384R1() if kind == "ES384" else ec.SECP256R1())
        jwk = jwt.algorithms.ECAlgorithm.to_jwk(private, as_dict=True)
    jwk.pop("key_ops", None)
    return jwk | {"alg": kind} | ({"kid": kid} if kid else {})


PRIVATE = ("d", "p", "q", "dp", "dq", "qi")


def key_set(*keys: dict[str, Any]) -> dict[str, Any]:
    """The public halves as a JWK set."""
    return {"keys": [{n: v for n, v in key.items() if n not in PRIVATE} for key in keys]}


def private_key(algorithm: str) -> str:
    """A new private key in PEM that signs with RS256 or ES256."""
    from cryptography.hazmat.primitives import serialization

    made: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    if algorithm == "RS256":
        made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    else:
        made = ec.generate_private_key(ec.SECP256R1())
    return made.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
