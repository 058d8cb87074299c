"""Which resource a request is about (RFC 8707)."""

from __future__ import annotations

from collections.abc import Sequence

from authplane.core.uris import fold_resource
from oauth.errors import OAuthError, Reason
from oauth.models import Resource
from oauth.resources.selectors import find_resource, issuer_resource
from oauth.resources.view import ResourceView


def resolve_resource(values: Sequence[str]) -> ResourceView:
    """The one resource that all ``values`` name; without values, this server itself.

    Spec: RFC 8707 section 2 (MUST be absolute, without fragment; our slugs are accepted beside).
    Deviates: RFC 8707 section 2 allows tokens for several resources; ours are for one, so that
    no resource server can use a token at another.
    Raises: OAuthError(RESOURCE_UNKNOWN), OAuthError(RESOURCE_SEVERAL).
    """
    if not values:
        return issuer_resource()
    found: ResourceView | None = None
    for value in values:
        resource = find_resource(value)
        if resource is None or not _takes_our_tokens(resource):
            raise OAuthError(Reason.RESOURCE_UNKNOWN)
        if found is not None and resource.id != found.id:
            raise OAuthError(Reason.RESOURCE_SEVERAL)
        found = resource
    assert found is not None  # noqa: S101 - there was at least one value
    return found


def _takes_our_tokens(resource: ResourceView) -> bool:
    """Not one without a URI, which no token could name as its audience, nor an upstream service.

    Tokens of an upstream service are had by token exchange alone.
    """
    return bool(resource.uri) and resource.backend_kind != Resource.Backend.BROKER


def require_same_resource(values: Sequence[str], *, registered: str) -> None:
    """A later request about a grant names the grant's resource, by any of its names, or none.

    `registered` is the audience the grant was made for. It is compared without the registry as
    well, so that a resource removed meanwhile is not a different one.

    Spec: RFC 8707 section 2.2.
    Raises: OAuthError(RESOURCE_UNKNOWN), OAuthError(RESOURCE_MISMATCH); the log tells a name that
    nobody registered from the name of another resource, the wire does not.
    """
    for value in values:
        if value == registered or fold_resource(value) == fold_resource(registered):
            continue
        resource = find_resource(value)
        if resource is None:
            raise OAuthError(Reason.RESOURCE_UNKNOWN)
        if resource.uri != registered:
            raise OAuthError(Reason.RESOURCE_MISMATCH)
