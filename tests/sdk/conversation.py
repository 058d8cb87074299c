"""Drives the unmodified authplane-sdk: one JSON object a line in, one a line out.

Runs in an environment of its own, because the SDK is imported by the name of this project. The
first line says whom it is: issuer, client_id, client_secret, dpop (an algorithm, or nothing).
Every further line is a call; its answer holds what the SDK returned, or which error it raised.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import sys
from importlib.metadata import version

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from authplane import (
    ASCredentials,
    AuthplaneClient,
    AuthplaneError,
    DPoPKeyMaterial,
    DPoPProvider,
    InboundDPoPOptions,
    IntrospectionRevocation,
)
from authplane.oauth import TokenExchangeOptions


@dataclasses.dataclass(frozen=True)
class Inbound:
    """A request as a resource server received it."""

    method: str
    url: str
    proof: str | None


class Conversation:
    """One client of the SDK and the calls it is asked to make."""

    def __init__(self, client, provider):
        self.client = client
        self.provider = provider

    async def client_credentials(self, *, scopes=None, resources=None):
        return dataclasses.asdict(await self.client.client_credentials(scopes, resources))

    async def exchange(self, **options):
        for name in ("resources", "audiences"):
            options[name] = tuple(options.get(name, ()))
        return dataclasses.asdict(await self.client.exchange(TokenExchangeOptions(**options)))

    async def introspect(self, *, token):
        return dataclasses.asdict(await self.client.introspect(token))

    async def revoke(self, *, token):
        await self.client.revoke(token)
        return {}

    async def verify(self, *, token, resource, ask=False, proof_for=None):
        """The claims a resource server sees; with `ask` it introspects as well."""
        guarded = self.client.resource(
            resource,
            ["read"],
            revocation_checker=IntrospectionRevocation() if ask else None,
            fail_closed=ask,
            inbound_dpop=InboundDPoPOptions() if proof_for else None,
        )
        request = None
        if proof_for:
            proof = self.provider.build_proof("POST", proof_for, access_token=token)
            request = Inbound("POST", proof_for, proof)
        claims = await guarded.verify(token, dpop_request=request)
        return {
            "sub": claims.sub,
            "client_id": claims.client_id,
            "scopes": claims.scopes,
            "audience": claims.audience,
            "jti": claims.jti,
            "proved": claims.dpop_proof is not None,
        }

    async def thumbprint(self):
        return {"jkt": self.provider.key_material.thumbprint}

    async def sdk(self):
        return {"version": version("authplane-sdk")}


def new_key(algorithm):
    key = (
        rsa.generate_private_key(public_exponent=65537, key_size=2048)
        if algorithm == "RS256"
        else ec.generate_private_key(ec.SECP256R1())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return DPoPKeyMaterial.from_pem(pem, algorithm=algorithm)


def say(answer):
    sys.stdout.write(json.dumps(answer, default=list) + "\n")
    sys.stdout.flush()


async def converse():
    who = json.loads(sys.stdin.readline())
    provider = None
    if who.get("dpop"):
        provider = DPoPProvider(key_material=new_key(who["dpop"]))
    client = await AuthplaneClient.create(
        issuer=who["issuer"],
        auth=ASCredentials(who["client_id"], who["client_secret"]),
        dpop=provider,
        dev_mode=True,
    )
    conversation = Conversation(client, provider)
    say({"ready": True})
    for line in sys.stdin:
        call = json.loads(line)
        try:
            answer = await getattr(conversation, call.pop("do"))(**call)
        except AuthplaneError as error:
            answer = {
                "raised": type(error).__name__,
                "code": getattr(error, "code", None),
                "status": getattr(error, "status_code", None),
                "text": str(error),
                "consent_url": getattr(error, "consent_url", None),
                "service_id": getattr(error, "service_id", None),
                "cause": getattr(error, "cause_detail", None),
            }
        say(answer)
    await client.aclose()


asyncio.run(converse())
