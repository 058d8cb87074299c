"""Platforms that vouch for their workloads, and the rows that make us believe them."""

from __future__ import annotations

import itertools
import secrets
import time
from dataclasses import dataclass, field
from typing import Any

import httpx
import jwt

from tests.support import factories, oauth_client
from tests.support.published import key_set, signing_key

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ISSUER = "http://localhost:9000"
_number = itertools.count(1)

SUBJECTS = {
    "generic": "job-7",
    "kubernetes": "system:serviceaccount:team-a:deployer",
    "github_actions": "repo:octo/widgets:ref:refs/heads/main",
    "spiffe": "spiffe://example.org/ns/team-a/sa/deployer",
}


@dataclass
class Platform:
    """An issuer of workload tokens: Kubernetes, GitHub Actions, SPIFFE, or none in particular."""

    kind: str = "generic"
    key: dict[str, Any] = field(default_factory=signing_key)
    issuer: str = ""
    row: Any = None

    def __post_init__(self) -> None:
        if self.kind == "github_actions":
            self.key = signing_key(kind="RS256")
        self.issuer = self.issuer or f"https://platform{next(_number)}.example.com"

    @property
    def subject(self) -> str:
        """The name of its one workload."""
        return SUBJECTS[self.kind]

    def claims(self, **overrides: Any) -> dict[str, Any]:
        """What its tokens say, good unless overridden; None removes a claim."""
        now = int(time.time())
        good: dict[str, Any] = {
            "iss": self.issuer,
            "sub": self.subject,
            "aud": [ISSUER] if self.kind in {"kubernetes", "spiffe"} else ISSUER,
            "iat": now - 60,
            "nbf": now - 60,
            "exp": now + 1800,
            "jti": secrets.token_urlsafe(8),
        }
        if self.kind == "kubernetes":
            good["kubernetes.io"] = {
                "namespace": "team-a",
                "serviceaccount": {"name": "deployer", "uid": "5c1e"},
            }
        if self.kind == "github_actions":
            good |= {"repository": "octo/widgets", "environment": "production", "ref": "main"}
        return {name: value for name, value in (good | overrides).items() if value is not None}

    def token(self, *, headers: dict[str, Any] | None = None, **overrides: Any) -> str:
        """A signed token; a header of None is left out."""
        head = {"kid": self.key["kid"], "typ": "JWT"} | (headers or {})
        shown = {name: value for name, value in head.items() if value is not None}
        return jwt.encode(
            self.claims(**overrides),
            jwt.PyJWK.from_dict(self.key).key,
            algorithm=self.key["alg"],
            headers={"typ": None, **shown},
        )

    def register(self, *rules: dict[str, Any], **fields: Any) -> Any:
        """The row that makes it count, with its keys inline."""
        from oauth.federation import selectors
        from oauth.models import WorkloadIssuer

        fields.setdefault("jwks", key_set(self.key))
        self.row = WorkloadIssuer.objects.create(
            name=fields.pop("name", "A platform"),
            preset=self.kind,
            issuer=self.issuer,
            rules=list(rules),
            **fields,
        )
        selectors.drop()
        return self.row

    def change(self, **fields: Any) -> None:
        """The row changed, and seen by everybody."""
        from oauth.federation import selectors

        for name, value in fields.items():
            setattr(self.row, name, value)
        self.row.save()
        selectors.drop()


@dataclass
class Workload:
    """A workload, its platform, and the client that a rule makes it. It holds no secret."""

    platform: Platform
    client: oauth_client.OAuthClient

    def ask(self, assertion: str | None = None, **form: Any) -> httpx.Response:
        """A token request with nothing but the platform's token."""
        sent = {
            "grant_type": JWT_BEARER,
            "assertion": assertion or self.platform.token(),
            "resource": self.client.resource,
        } | form
        headers = {"Accept": "application/json"} | sent.pop("headers", {})
        pairs = {name: value for name, value in sent.items() if value is not None}
        return self.client.http.post("/oauth/token", data=pairs, headers=headers)


def make_workload(
    base: oauth_client.OAuthClient, *, resource: str, kind: str = "generic", **rule: Any
) -> Workload:
    """A registered platform with one rule, which maps its workload to a client of ours."""
    row = factories.make_client(grant_types=[JWT_BEARER], scope="read write", redirect_uris="")
    platform = Platform(kind)
    platform.register({"subject": platform.subject, "client_id": row.client_id} | rule)
    return Workload(platform, factories.driver_for(row, base=base, resource=resource))
