"""What a resource demands of the tokens made for it, asked by every grant and by introspection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from oauth.errors import OAuthError, Reason

if TYPE_CHECKING:
    from oauth.models import Client
    from oauth.resources.view import ResourceView


_EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"
_JWT_BEARER: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
GRANT_OF_KIND: Final = {
    "authorization_code": "authorization_code",
    "refresh_token": "refresh_token",
    "client_credentials": "client_credentials",
    "token_exchange": _EXCHANGE,
    "jwt_bearer": _JWT_BEARER,
    "workload": _JWT_BEARER,
}
"""The ledger's kinds of tokens to the wire's grants. The others are not for resources of ours."""


def require_allowed(
    resource: ResourceView | None, *, grant_type: str, binding_jkt: str, client: Client
) -> None:
    """Tokens for the resource may be had by this grant, and are bound to a key where they must be.

    ``grant_type`` is the wire's name; ``binding_jkt`` the thumbprint of the DPoP key that the
    caller has proved to hold, empty without one. A certificate does not stand in for the key: the
    resource server that asks for DPoP checks proofs. A resource that is not registered any more
    (None) demands nothing: nobody takes its tokens.

    Spec: RFC 6749 section 5.2 (`unauthorized_client`); RFC 9449 section 5 (`invalid_dpop_proof`).
    Raises: OAuthError(RESOURCE_GRANT_REFUSED), OAuthError(RESOURCE_DPOP_REQUIRED),
    OAuthError(RESOURCE_DPOP_OFF).
    """
    if resource is None:
        return
    require_grant(resource, grant_type=grant_type)
    require_compatible(resource, client=client)
    if resource.rules.dpop == "required" and not binding_jkt:
        raise OAuthError(Reason.RESOURCE_DPOP_REQUIRED)


def require_grant(resource: ResourceView, *, grant_type: str) -> None:
    """Tokens for the resource may be had by this grant.

    Raises: OAuthError(RESOURCE_GRANT_REFUSED).
    """
    if not grant_is_allowed(resource, grant_type=grant_type):
        raise OAuthError(Reason.RESOURCE_GRANT_REFUSED)


def require_compatible(resource: ResourceView, *, client: Client) -> None:
    """The client does not insist on what the resource cannot take.

    A client that takes bound tokens alone gets none for a resource that accepts only bearer
    tokens, rather than a weaker one.

    Raises: OAuthError(RESOURCE_DPOP_OFF).
    """
    if resource.rules.dpop == "off" and client.dpop_bound_access_tokens:
        raise OAuthError(Reason.RESOURCE_DPOP_OFF)


def grant_is_allowed(resource: ResourceView | None, *, grant_type: str) -> bool:
    """Whether tokens for the resource may be had by this grant; all may while none is listed."""
    return resource is None or resource.rules.grants is None or grant_type in resource.rules.grants


def is_still_acceptable(resource: ResourceView | None, *, kind: str, bound_jkt: str) -> bool:
    """Whether a token that was issued before would be issued today, as far as these rules go.

    ``kind`` is the ledger's name of its grant, ``bound_jkt`` the key it is bound to. A lifetime
    that became shorter ends nothing: the token keeps the end that it was issued with.
    """
    if resource is None:
        return True
    if resource.rules.dpop == "required" and not bound_jkt:
        return False
    grant_type = GRANT_OF_KIND.get(kind)
    return grant_type is None or grant_is_allowed(resource, grant_type=grant_type)


def ends_nothing(resource: ResourceView | None) -> bool:
    """Whether no token that was issued before could have become unacceptable by these rules."""
    return resource is None or (resource.rules.grants is None and resource.rules.dpop != "required")


def lifetime_at(resource: ResourceView | None, default: int) -> int:
    """Seconds a token for the resource lives: the grant's ``default``, or less where it says so."""
    ceiling = None if resource is None else resource.rules.lifetime
    return default if ceiling is None else min(default, ceiling)


def bound_key(resource: ResourceView | None, binding_jkt: str) -> str:
    """The key that the access token is bound to: none where the resource takes bearer tokens only.

    The answer says `Bearer` then, by which the client learns that its proof was not used.

    Spec: RFC 9449 section 5 (a server may elect not to bind; `token_type` tells the client).
    """
    return "" if resource is not None and resource.rules.dpop == "off" else binding_jkt
