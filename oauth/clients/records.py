"""From accepted metadata to the columns of a client, and what users have seen of it."""

import json
from datetime import datetime
from typing import Any

from authplane.core.hashing import sha256_hex
from authplane.core.jose import thumbprint
from oauth.models import Client, ConsentGrant
from oauth.registration.schema import Metadata
from oauth.registration.security import Security

IDENTITY = ("name", "redirect_uris", "client_jwks", "client_jwks_uri")
"""Columns that make the client what a user allowed."""


def fields_of(metadata: Metadata) -> dict[str, Any]:
    """The columns that metadata decides. Secrets, scope and status are not among them."""
    further: dict[str, Any] = dict(metadata.urls or {})
    if metadata.software_version:
        further["software_version"] = metadata.software_version
    if metadata.redirect_uris is None:
        # Told apart from an empty list, because the answer says null or [] as the client did.
        further["redirect_uris"] = None
    return {
        "name": metadata.name,
        "redirect_uris": " ".join(metadata.redirect_uris or ()),
        "grant_types": list(metadata.grant_types),
        "response_types": ["code"],
        "client_type": "public" if metadata.auth_method == "none" else "confidential",
        "token_endpoint_auth_method": metadata.auth_method,
        "token_endpoint_auth_signing_alg": metadata.signing_alg,
        "client_jwks": metadata.jwks,
        "client_jwks_uri": metadata.jwks_uri,
        "application_type": metadata.application_type,
        "is_agent": metadata.is_agent,
        "agent_description": metadata.agent_description,
        "software_id": metadata.software_id,
        "metadata": further,
        **_security_columns(metadata.security),
    }


def _security_columns(security: Security) -> dict[str, Any]:
    return {
        "require_pushed_authorization_requests": security.pushes,
        "require_signed_request_object": security.signs,
        "request_object_signing_alg": security.request_alg,
        "tls_client_auth": dict(security.subject) if security.subject else None,
        "tls_client_certificate_bound_access_tokens": security.binds_to_certificate,
        "dpop_bound_access_tokens": security.binds_to_key,
    }


def security_of(client: Client) -> dict[str, Any]:
    """What the client demands of itself, in the members of its metadata; absent when nothing."""
    members = {
        "require_pushed_authorization_requests": client.require_pushed_authorization_requests,
        "require_signed_request_object": client.require_signed_request_object,
        "request_object_signing_alg": client.request_object_signing_alg,
        "tls_client_certificate_bound_access_tokens": (
            client.tls_client_certificate_bound_access_tokens
        ),
        "dpop_bound_access_tokens": client.dpop_bound_access_tokens,
        **(client.tls_client_auth or {}),
    }
    return {name: value for name, value in members.items() if value}


def fingerprint(metadata: Metadata) -> str:
    """A digest of redirect URIs, name and keys: what a user who allowed the client relied on."""
    keys = sorted(thumbprint(key) for key in (metadata.jwks or {}).get("keys", []))
    identity = {
        "name": metadata.name,
        "redirect_uris": sorted(metadata.redirect_uris or ()),
        "auth_method": metadata.auth_method,
        "keys": keys,
        "jwks_uri": metadata.jwks_uri,
    }
    return sha256_hex(json.dumps(identity, sort_keys=True, separators=(",", ":")))


def forget_what_was_shown(client: Client, *, now: datetime) -> int:
    """Every user is asked again before the client gets another authorization.

    The consents stay in place, without scopes, so that users still find the application on their
    account page and can end what it holds.
    """
    return (
        ConsentGrant.objects.filter(client=client, revoked_at=None)
        .exclude(scopes=[])
        .update(scopes=[], updated_at=now)
    )


def document_of(client: Client) -> dict[str, Any]:
    """The client's registered metadata, as it would register again. No secret, no absent member."""
    further = {name: value for name, value in client.metadata.items() if name != "redirect_uris"}
    members: dict[str, Any] = {
        "client_name": client.name,
        "grant_types": client.grant_types,
        "response_types": client.response_types,
        "token_endpoint_auth_method": client.token_endpoint_auth_method,
        "token_endpoint_auth_signing_alg": client.token_endpoint_auth_signing_alg,
        "jwks": client.client_jwks,
        "jwks_uri": client.client_jwks_uri,
        "application_type": client.application_type,
        "agent": client.is_agent,
        "agent_description": client.agent_description,
        "software_id": client.software_id,
        **security_of(client),
        **further,
    }
    present = {name: value for name, value in members.items() if value not in (None, "", False)}
    did_not_say = not client.redirect_uris and "redirect_uris" in client.metadata
    return {"redirect_uris": None if did_not_say else client.redirect_uri_list} | present
