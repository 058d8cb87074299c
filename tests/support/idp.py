"""An enterprise's identity provider, the assertions (ID-JAG) it makes, and our trust in it."""

from __future__ import annotations

import itertools
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import jwt

from tests.support.published import key_set, signing_key

if TYPE_CHECKING:
    import httpx

    from tests.support.oauth_client import OAuthClient
    from tests.support.published import Internet
    from tests.support.scene import Scene

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
TYPE = "oauth-id-jag+jwt"
ISSUER = "http://localhost:9000"
_number = itertools.count(1)


@dataclass
class IdentityProvider:
    """An issuer with one signing key, which it publishes."""

    world: Internet | None = None
    key: dict[str, Any] = field(default_factory=lambda: signing_key("first"))
    issuer: str = field(default_factory=lambda: f"https://idp{next(_number)}.example")

    @property
    def jwks_uri(self) -> str:
        """Where its keys are."""
        return f"{self.issuer}/{urlsplit(self.issuer).hostname}/jwks"

    @property
    def path(self) -> str:
        """The same without the host, which the internet of the tests does not look at."""
        return urlsplit(self.jwks_uri).path

    def publish(self, *keys: dict[str, Any], **page: Any) -> None:
        """Its key set holds these keys from now on, or its present one."""
        assert self.world is not None
        self.world.publish(self.path, key_set(*(keys or (self.key,))), **page)

    def rotate(self, kid: str) -> None:
        """Another key signs, and is published in place of the old one."""
        self.key = signing_key(kid)
        self.publish()

    def fetches(self) -> int:
        """How often its keys were asked for."""
        assert self.world is not None
        return self.world.paths().count(self.path)

    def trusted(self, *, policy: dict[str, Any] | None = None, **fields: Any) -> Any:
        """The row by which we believe it; with a policy that allows everything unless told."""
        from oauth.models import TrustedIdP, XAAPolicy
        from oauth.xaa import trust

        fields.setdefault("name", "The enterprise")
        row = TrustedIdP.objects.create(issuer=self.issuer, jwks_uri=self.jwks_uri, **fields)
        XAAPolicy.objects.create(idp=row, name="Everything", **(policy or {}))
        trust.drop()
        return row

    def assertion(
        self,
        made_for: str,
        /,
        *,
        headers: dict[str, Any] | None = None,
        key: dict[str, Any] | None = None,
        **overrides: Any,
    ) -> str:
        """A signed assertion, good unless a claim is overridden; None removes a claim."""
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "sub": "ann",
            "aud": ISSUER,
            "client_id": made_for,
            "jti": secrets.token_urlsafe(12),
            "iat": now,
            "exp": now + 300,
        } | overrides
        key = key or self.key
        header = {"typ": TYPE} | ({"kid": key["kid"]} if "kid" in key else {}) | (headers or {})
        return jwt.encode(
            {name: value for name, value in claims.items() if value is not None},
            jwt.PyJWK.from_dict(key).key,
            algorithm=key.get("alg", "ES256"),
            headers={name: value for name, value in header.items() if value is not None},
        )


@dataclass
class Enterprise:
    """A trusted provider, and a confidential client that redeems its assertions here."""

    scene: Scene
    idp: IdentityProvider
    row: Any
    client: OAuthClient

    def assertion(self, **overrides: Any) -> str:
        """One for the client and the scene's resource."""
        overrides.setdefault("resource", self.scene.resource.uri)
        return self.idp.assertion(self.client.client_id, **overrides)

    def redeem(self, assertion: str | None = None, **form: Any) -> httpx.Response:
        """The answer to a request with an assertion, a good one unless given."""
        presented = self.assertion() if assertion is None else assertion
        return self.client.token(**({"grant_type": JWT_BEARER, "assertion": presented} | form))

    def token(self, **claims: Any) -> str:
        """The access token for a good assertion."""
        answer = self.redeem(self.assertion(**claims))
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def change_policy(self, **fields: Any) -> None:
        """The one policy says something else from now on."""
        from oauth.models import XAAPolicy
        from oauth.xaa import trust

        XAAPolicy.objects.filter(idp=self.row).update(**fields)
        trust.drop()

    def link(self, subject: str, user: Any = None) -> Any:
        """The subject is that user, or known without an account."""
        from oauth.models import SubjectMapping

        return SubjectMapping.objects.create(
            idp=self.row, idp_subject=subject, local_user_id=user and user.pk
        )


def enterprise(scene: Scene, world: Internet, **client: Any) -> Enterprise:
    """A provider we trust with a policy for everything, and a client for scopes read and write."""
    idp = IdentityProvider(world)
    idp.publish()
    client = {"scope": "read write", "grant_types": [JWT_BEARER]} | client
    driver = scene.another_machine(**client)
    return Enterprise(scene, idp, idp.trusted(), driver)


def make_policy(row: Any, **fields: Any) -> Any:
    """A further policy of the provider."""
    from oauth.models import XAAPolicy
    from oauth.xaa import trust

    fields.setdefault("name", f"Policy {next(_number)}")
    made = XAAPolicy.objects.create(idp=row, **fields)
    trust.drop()
    return made


def sample(name: str, **labels: str) -> float:
    """What a metric counts at present."""
    from prometheus_client import REGISTRY

    return REGISTRY.get_sample_value(name, labels) or 0.0
