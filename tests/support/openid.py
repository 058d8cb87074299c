"""An OpenID provider of somebody else's, on loopback, and a browser that signs in with it.

Its switches are members of `OpenIdProvider`; what was asked of it stands in `asked`.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt

from tests.support.background import answering
from tests.support.published import key_set, signing_key

if TYPE_CHECKING:
    import httpx

    from broker.models import IdentityProvider
    from tests.support.oauth_client import OAuthClient

SECRET = "openid-client-secret-do-not-log"
CLIENT_ID = "our-client"
HTML = {"Accept": "text/html"}


@dataclass
class OpenIdProvider:
    """How the provider behaves. `url` is its base, which is its issuer unless `issuer` is set.

    `person` are the claims of whoever signs in, `claims` replace those of an ID token (None takes
    one away), `document` those of the discovery document. `forge` makes the ID token another way:
    from the claims, to a compact token. `failures` are statuses of the next token answers.
    """

    url: str = ""
    person: dict[str, Any] = field(
        default_factory=lambda: {
            "sub": "ann-1", "email": "ann@example.com", "email_verified": True, "name": "Ann",
        }
    )  # fmt: skip
    claims: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] | None = None
    document: dict[str, Any] = field(default_factory=dict)
    key: dict[str, Any] = field(default_factory=lambda: signing_key("first"))
    forge: Any = None
    cache: str = ""
    failures: list[int] = field(default_factory=list)
    seconds: float = 0.0
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[dict[str, Any]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, path: str) -> int:
        """How often a path was asked for."""
        return sum(one["path"] == path for one in self.asked)

    def last(self, path: str) -> dict[str, Any]:
        """The latest request of a path."""
        found: dict[str, Any] = [one for one in self.asked if one["path"] == path][-1]
        return found

    def published(self) -> dict[str, Any]:
        """The discovery document."""
        known = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/jwks",
            "end_session_endpoint": f"{self.url}/logout",
            "response_types_supported": ["code"],
            "scopes_supported": ["openid", "email", "profile", "groups"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
        } | self.document
        return {name: value for name, value in known.items() if value is not None}

    def code_for(self, asked: dict[str, str]) -> str:
        """A code for a sign-in that came with these parameters."""
        code = f"code-{uuid.uuid4().hex}"
        self.codes[code] = dict(asked)
        return code

    def answer(self, asked: dict[str, str]) -> dict[str, str]:
        """The parameters of a good authorization response."""
        return {"code": self.code_for(asked), "state": asked["state"], "iss": self.url}

    def token(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """The answer of the token endpoint. A code counts once, and for whoever began it."""
        if self.failures:
            return self.failures.pop(0), {"error": "invalid_grant"}
        asked = self.codes.pop(form.get("code", ""), None)
        challenge = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        proof = base64.urlsafe_b64encode(challenge).rstrip(b"=").decode()
        if asked is None or proof != asked["code_challenge"]:
            return 400, {"error": "invalid_grant"}
        access_token = f"openid-access-{uuid.uuid4().hex}"
        members = {"access_token": access_token, "token_type": "Bearer", "expires_in": 60}
        claims = self._claims(asked, access_token)
        token = self.forge(claims) if self.forge else self.signed(claims)
        return 200, members | ({"id_token": token} if token else {})

    def signed(self, claims: dict[str, Any], **header: Any) -> str:
        """The ID token, signed with the present key."""
        header = ({"kid": self.key["kid"]} if "kid" in self.key else {}) | header
        return jwt.encode(
            claims, jwt.PyJWK.from_dict(self.key).key, algorithm=self.key.get("alg", "ES256"),
            headers=header,
        )  # fmt: skip

    def _claims(self, asked: dict[str, str], access_token: str) -> dict[str, Any]:
        now = int(time.time())
        digest = hashlib.sha256(access_token.encode()).digest()[:16]
        known = {
            "iss": self.url,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "auth_time": now,
            "nonce": asked.get("nonce"),
            "at_hash": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            **self.person,
        } | self.claims
        return {name: value for name, value in known.items() if value is not None}


@contextlib.contextmanager
def running_openid(**switches: Any) -> Iterator[OpenIdProvider]:
    """The provider runs until the block ends."""
    world = OpenIdProvider(**switches)
    server = _serve(world)
    world.url = f"http://127.0.0.1:{server.server_address[1]}"
    with answering(server):
        yield world


def register(world: OpenIdProvider, **members: Any) -> IdentityProvider:
    """People may sign in with the provider."""
    from broker.signin.services import create_provider

    body = {
        "slug": "acme", "display_name": "Acme", "issuer": world.url,
        "client_id": CLIENT_ID, "secret": SECRET,
    }  # fmt: skip
    return create_provider(body | members)


@dataclass
class Visitor:
    """Somebody with a browser, in front of our sign-in page."""

    client: OAuthClient
    world: OpenIdProvider

    def get(self, url: str) -> httpx.Response:
        """The page, or the redirect."""
        return self.client.http.get(url, headers=HTML)

    def leave(self, provider: str = "acme", **parameters: str) -> dict[str, str]:
        """The parameters with which the browser arrives at the provider."""
        query = urlencode({"provider": provider} | parameters)
        answer = self.get(f"/oidc/start?{query}")
        assert answer.status_code == 302, answer.text
        return dict(parse_qsl(urlsplit(answer.headers["location"]).query))

    def come_back(self, sent: dict[str, str], **answer: str | None) -> httpx.Response:
        """A good answer at the callback, but for what is said; None takes a parameter away."""
        given: dict[str, str | None] = {**self.world.answer(sent), **answer}
        query = {name: value for name, value in given.items() if value is not None}
        return self.get(f"{urlsplit(sent['redirect_uri']).path}?{urlencode(query)}")

    def sign_in(self, provider: str = "acme", **parameters: str) -> httpx.Response:
        """There and back."""
        return self.come_back(self.leave(provider, **parameters))

    def is_signed_in(self) -> bool:
        return self.client.http.get("/account").status_code == 200


def _serve(world: OpenIdProvider) -> ThreadingHTTPServer:  # noqa: C901 - one handler
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            asked = dict(parse_qsl(parts.query))
            self._note(parts.path, asked)
            if parts.path.endswith("/.well-known/openid-configuration"):
                self._json(200, world.published())
            elif parts.path == "/jwks":
                self._json(200, key_set(world.key))
            elif parts.path == "/userinfo":
                self._json(200 if world.userinfo else 401, world.userinfo or {})
            elif parts.path == "/logout":
                self._page("Signed out of Acme", "")
            else:
                back = escape(f"{asked['redirect_uri']}?{urlencode(world.answer(asked))}")
                self._page("Acme", f'<p><a href="{back}">Sign in as Ann</a>')

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            form = dict(parse_qsl(raw))
            self._note(self.path, form)
            time.sleep(world.seconds)
            with world.lock:
                status, members = world.token(form)
            self._json(status, members)

        def _note(self, path: str, form: dict[str, str]) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            with world.lock:
                world.asked.append({"path": path, "form": form, "headers": headers})

        def _json(self, status: int, members: Any) -> None:
            self._send(status, json.dumps(members).encode(), "application/json")

        def _page(self, title: str, text: str) -> None:
            page = f"<!doctype html><html lang=en><title>{title}</title><h1>{title}</h1>{text}"
            self._send(200, page.encode(), "text/html; charset=utf-8")

        def _send(self, status: int, body: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            if world.cache:
                self.send_header("Cache-Control", world.cache)
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Nothing on the terminal."""

    class Server(ThreadingHTTPServer):
        request_queue_size = 128
        daemon_threads = True

    return Server(("127.0.0.1", 0), Handler)
