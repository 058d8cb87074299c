"""What the server says about itself, computed from the grants and the configuration in force.

A member is absent rather than empty, and nothing stands here that the server does not do.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from authplane.core.config import Config
from oauth.clients.policy import (
    ASSERTION_ALGORITHMS,
    CERTIFICATE_METHOD,
    JWT_BEARER,
    enabled_grants,
)
from oauth.dpop.proof import ALGORITHMS
from oauth.grants import GRANTS
from oauth.resources.view import OFFLINE_ACCESS, ResourceView
from oauth.sessions.context import offered_levels
from oauth.xaa.issuing import ID_JAG

CONFIDENTIAL_METHODS: Final = ("client_secret_basic", "client_secret_post", "private_key_jwt")
TOKEN_METHODS: Final = ("none", *CONFIDENTIAL_METHODS)
CERTIFICATE_ENDPOINTS: Final = {
    "token_endpoint": "/oauth/token",
    "revocation_endpoint": "/oauth/revoke",
    "introspection_endpoint": "/oauth/introspect",
    "userinfo_endpoint": "/oauth/userinfo",
    "pushed_authorization_request_endpoint": "/oauth/par",
}
ID_JAG_PROFILE: Final = "urn:ietf:params:oauth:grant-profile:id-jag"


def offered_grants(config: Config) -> list[str]:
    """The grant types that the token endpoint accepts."""
    enabled = enabled_grants(config.features)
    return [name for name in GRANTS if name in enabled]


def grant_profiles(config: Config) -> list[str]:
    """What the assertions of the jwt-bearer grant may be.

    Spec: draft-ietf-oauth-identity-assertion-authz-grant (authorization_grant_profiles_supported).
    """
    return [ID_JAG_PROFILE] if JWT_BEARER in offered_grants(config) else []


def authorization_server_document(
    config: Config, *, resources: Iterable[ResourceView]
) -> dict[str, Any]:
    """Authorization server metadata; OpenID discovery gets the same document.

    Spec: RFC 8414 section 2; RFC 9207 section 3; RFC 8707 has no member of its own.
    """
    issuer = config.server.issuer
    document: dict[str, Any] = {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/oauth/authorize",
        "token_endpoint": f"{issuer}/oauth/token",
        "registration_endpoint": f"{issuer}/oauth/register",
        "revocation_endpoint": f"{issuer}/oauth/revoke",
        "introspection_endpoint": f"{issuer}/oauth/introspect",
        "userinfo_endpoint": f"{issuer}/oauth/userinfo",
        "pushed_authorization_request_endpoint": f"{issuer}/oauth/par",
        "jwks_uri": f"{issuer}/.well-known/jwks.json",
        "response_types_supported": ["code"],
        # Without this member clients must assume that fragments are answered as well.
        "response_modes_supported": ["query"],
        "grant_types_supported": offered_grants(config),
        "authorization_grant_profiles_supported": grant_profiles(config),
        "identity_chaining_requested_token_types_supported": assertions_made(config),
        **_authentication_methods(with_certificates=bool(config.certificates.trusted_proxies)),
        **_protected_requests(config),
        **_certificates(config),
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": supported_scopes(resources),
        "acr_values_supported": [level.name for level in offered_levels()],
        "dpop_signing_alg_values_supported": list(ALGORITHMS) if config.features.dpop else [],
        "resource_indicators_supported": True,
        "client_id_metadata_document_supported": config.cimd.enabled,
        "authplane_agent_identity_supported": True,
        "authorization_response_iss_parameter_supported": True,
    }
    said = {name: value for name, value in document.items() if value}
    # OpenID Connect Discovery 1.0 section 3: true when it is absent. Pushed requests are no matter
    # of it (RFC 9126 section 5).
    return said | {"request_uri_parameter_supported": False}


def assertions_made(config: Config) -> list[str]:
    """The assertions that token exchange yields for other authorization servers.

    Spec: ID-JAG draft, section "Authorization Server (IdP) Metadata".
    """
    return [ID_JAG] if config.features.token_exchange else []


def protected_resource_document(resource: ResourceView, *, issuer: str) -> dict[str, Any]:
    """The metadata of a resource that leaves its publication to us.

    `resource` is the URI byte for byte: clients compare it with what they called. The scope
    `offline_access` is not a resource's and is left to the authorization server's metadata.

    Spec: RFC 9728 section 2.
    """
    document: dict[str, Any] = {
        "resource": resource.uri,
        "authorization_servers": [issuer],
        "scopes_supported": [scope.name for scope in resource.scopes],
        "bearer_methods_supported": ["header"],
        "resource_name": resource.display_name,
        "dpop_bound_access_tokens_required": resource.rules.dpop == "required",
    }
    return {name: value for name, value in document.items() if value}


def supported_scopes(resources: Iterable[ResourceView]) -> list[str]:
    """Every scope of every resource in the order first seen, then `offline_access`."""
    names = dict.fromkeys(scope.name for resource in resources for scope in resource.scopes)
    names.pop(OFFLINE_ACCESS, None)
    return [*names, OFFLINE_ACCESS]


def _protected_requests(config: Config) -> dict[str, Any]:
    """How an authorization request may, or must, be protected on its way.

    Spec: RFC 9126 section 5; RFC 9101 section 10.5; OpenID Connect Discovery 1.0 section 3.
    """
    return {
        "require_pushed_authorization_requests": config.oauth.require_pushed_requests,
        "require_signed_request_object": config.oauth.require_signed_requests,
        "request_parameter_supported": True,
        "request_object_signing_alg_values_supported": list(ASSERTION_ALGORITHMS),
    }


def _certificates(config: Config) -> dict[str, Any]:
    """What a TLS client certificate is good for, and where one is asked for.

    Spec: RFC 8705 sections 3.3 and 5.
    """
    settings = config.certificates
    if not settings.trusted_proxies:
        return {}
    members: dict[str, Any] = {"tls_client_certificate_bound_access_tokens": True}
    if settings.endpoint_base:
        base = settings.endpoint_base.rstrip("/")
        members["mtls_endpoint_aliases"] = {
            name: f"{base}{path}" for name, path in CERTIFICATE_ENDPOINTS.items()
        }
    return members


def _authentication_methods(*, with_certificates: bool) -> dict[str, list[str]]:
    """How clients authenticate where; signing algorithms go with private_key_jwt.

    Spec: RFC 8414 section 2 (algorithms MUST be present with private_key_jwt).
    """
    methods: dict[str, list[str]] = {}
    for endpoint, accepted in (
        ("token", TOKEN_METHODS),
        ("introspection", CONFIDENTIAL_METHODS),
        ("revocation", TOKEN_METHODS),
    ):
        prefix = f"{endpoint}_endpoint_auth"
        certificates = (CERTIFICATE_METHOD,) if with_certificates else ()
        methods[f"{prefix}_methods_supported"] = [*accepted, *certificates]
        methods[f"{prefix}_signing_alg_values_supported"] = list(ASSERTION_ALGORITHMS)
    return methods
