"""What a resource demands of the tokens made for it, asked by every grant and by introspection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oauth.errors import OAuthError, Reason

if TYPE_CHECKING:
    from oauth.models import Client
    from oauth.resources.view import ResourceView


def require_allowed(
    resource: ResourceView, *, grant_type: str, binding_jkt: str, client: Client
) -> None:
    """Tokens for the resource may be had by this grant, and are bound to a key where they must be.

    ``grant_type`` is the wire's name; ``binding_jkt`` the thumbprint of the DPoP key that the
    caller has proved to hold, empty without one. A certificate does not stand in for the key: the
    resource server that asks for DPoP checks proofs. A client that takes bound tokens alone gets
    none for a resource that accepts only bearer tokens, rather than a weaker one.

    Spec: RFC 6749 section 5.2 (`unauthorized_client`); RFC 9449 section 5 (`invalid_dpop_proof`).
    Raises: OAuthError(RESOURCE_GRANT_REFUSED), OAuthError(RESOURCE_DPOP_REQUIRED),
    OAuthError(RESOURCE_DPOP_OFF).
    """
    require_grant(resource, grant_type=grant_type)
    dpop = resource.rules.dpop
    if dpop == "required" and not binding_jkt:
        raise OAuthError(Reason.RESOURCE_DPOP_REQUIRED)
    if dpop == "off" and client.dpop_bound_access_tokens:
        raise OAuthError(Reason.RESOURCE_DPOP_OFF)


def require_grant(resource: ResourceView, *, grant_type: str) -> None:
    """Tokens for the resource may be had by this grant.

    Raises: OAuthError(RESOURCE_GRANT_REFUSED).
    """
    if not grant_is_allowed(resource, grant_type=grant_type):
        raise OAuthError(Reason.RESOURCE_GRANT_REFUSED)


def grant_is_allowed(resource: ResourceView, *, grant_type: str) -> bool:
    """Whether tokens for the resource may be had by this grant; all may while none is listed."""
    return resource.rules.grants is None or grant_type in resource.rules.grants


def lifetime_at(resource: ResourceView, default: int) -> int:
    """Seconds a token for the resource lives: the grant's ``default``, or less where it says so."""
    ceiling = resource.rules.lifetime
    return default if ceiling is None else min(default, ceiling)


def bound_key(resource: ResourceView, binding_jkt: str) -> str:
    """The key that the access token is bound to: none where the resource takes bearer tokens only.

    The answer says `Bearer` then, by which the client learns that its proof was not used.

    Spec: RFC 9449 section 5 (a server may elect not to bind; `token_type` tells the client).
    """
    return "" if resource.rules.dpop == "off" else binding_jkt
