"""An authorization server made of a table, and callers with keys, for tests without sockets."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from authplane.resource import Incoming, Protection, ResourceServer
from authplane.resource.signatures import digest, thumbprint
from authplane.resource.work import Driver, Fetched, SpendOnce

ISSUER = "https://as.example.com"
RESOURCE = "https://mcp.example.com/mcp"
JWKS = f"{ISSUER}/jwks"
INTROSPECT = f"{ISSUER}/introspect"
NOW = 1_800_000_000.0


@dataclass
class Key:
    """A signing key and what the world sees of it."""

    kid: str = "k1"
    private: Any = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @property
    def public(self) -> dict[str, Any]:
        found = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(self.private.public_key()))
        return {name: found[name] for name in ("kty", "crv", "x", "y")}

    @property
    def jwk(self) -> dict[str, Any]:
        return self.public | {"kid": self.kid, "use": "sig", "alg": "ES256"}

    @property
    def thumbprint(self) -> str:
        return thumbprint(self.public)

    def sign(self, claims: dict[str, Any], **header: Any) -> str:
        merged = {"typ": "at+jwt", "kid": self.kid} | header
        named = {name: value for name, value in merged.items() if value is not None}
        return jwt.encode(claims, self.private, algorithm="ES256", headers=named)


@dataclass
class World:
    """The time, what the authorization server answers, and what it was asked."""

    now: float = NOW
    key: Key = field(default_factory=Key)
    caller: Key = field(default_factory=Key)
    answers: dict[str, Fetched] = field(default_factory=dict)
    asked: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.publish({"issuer": ISSUER, "jwks_uri": JWKS, "introspection_endpoint": INTROSPECT})
        self.publish_keys(self.key)

    def publish(self, metadata: dict[str, Any], **headers: str) -> None:
        url = f"{ISSUER}/.well-known/oauth-authorization-server"
        self.answers[url] = Fetched(200, headers, json.dumps(metadata).encode())

    def publish_keys(self, *keys: Any, **headers: str) -> None:
        jwks = [key.jwk if isinstance(key, Key) else key for key in keys]
        self.answers[JWKS] = Fetched(200, headers, json.dumps({"keys": jwks}).encode())

    def server(self, **settings: Any) -> ResourceServer:
        """A resource server of this world; its replay memory counts real time."""
        settings = {"issuer": ISSUER, "resource": RESOURCE} | settings
        made = ResourceServer(Protection(clock=lambda: self.now, **settings))
        world = self

        class Table(Driver):
            def _do(self, effect: Any) -> Fetched | bool:
                if isinstance(effect, SpendOnce):
                    return super()._do(effect)
                world.asked.append(effect)
                return world.answers.get(effect.url, Fetched(404))

        made._driver = Table(made.protection.timeout, made._driver.spend)
        return made

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Good claims; None removes one."""
        claims = {
            "iss": ISSUER, "sub": "user-1", "aud": [RESOURCE], "client_id": "client-1",
            "scope": "read", "jti": "token-1", "iat": int(self.now), "nbf": int(self.now),
            "exp": int(self.now) + 900,
        } | changes  # fmt: skip
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, **changes: Any) -> str:
        return self.key.sign(self.claims(**changes))

    def bound_token(self, **changes: Any) -> str:
        return self.token(cnf={"jkt": self.caller.thumbprint}, **changes)

    def proof(self, token: str, *, header: dict[str, Any] | None = None, **changes: Any) -> str:
        claims = {
            "jti": secrets.token_hex(8), "htm": "POST", "htu": RESOURCE, "iat": int(self.now),
            "ath": digest(token.encode()),
        } | changes  # fmt: skip
        claims = {name: value for name, value in claims.items() if value is not None}
        plain = {"typ": "dpop+jwt", "jwk": self.caller.public, "kid": None}
        return self.caller.sign(claims, **plain | (header or {}))

    def bearer(self, token: str, **changes: Any) -> Incoming:
        return request(authorization=(f"Bearer {token}",), **changes)

    def dpop(self, token: str, *proofs: str, **changes: Any) -> Incoming:
        return request(authorization=(f"DPoP {token}",), proofs=proofs, **changes)


def request(**changes: Any) -> Incoming:
    return Incoming(**{"method": "POST", "url": RESOURCE} | changes)


@pytest.fixture
def world() -> World:
    return World()
