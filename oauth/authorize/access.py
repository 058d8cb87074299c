"""What is asked for: one resource and scopes of it, within what the client may ever have."""

from dataclasses import dataclass

from oauth.authorize.protocol import Wish
from oauth.errors import OAuthError, Reason
from oauth.models import Client, Resource
from oauth.resources.indicators import resolve_resource
from oauth.resources.rules import require_compatible, require_grant
from oauth.resources.scopes import grantable
from oauth.resources.view import ResourceView

_SIGNED_HERE = frozenset({Resource.Backend.MINT, Resource.Backend.ISSUER})


@dataclass(frozen=True, slots=True)
class Access:
    """A resource and the scopes asked for, in the order of its catalogue.

    No scopes at all are possible with a resource that knows none.
    """

    resource: ResourceView
    scopes: tuple[str, ...]


def requested_access(wish: Wish, *, client: Client) -> Access:
    """The client may ask its user for exactly this.

    Raises: OAuthError `unauthorized_client`, `invalid_target` or `invalid_scope`.
    """
    if not client.allows_grant_type("authorization_code"):
        raise OAuthError(Reason.GRANT_TYPE_NOT_ALLOWED)
    resource = resolve_resource(wish.requested_resources)
    if resource.backend_kind not in _SIGNED_HERE:
        raise OAuthError(Reason.RESOURCE_UNKNOWN)
    # Refused here as well as at redemption: nobody is asked for a consent that yields no token.
    require_grant(resource, grant_type="authorization_code")
    require_compatible(resource, client=client)
    granted = grantable(wish.requested_scopes, resource=resource, ceiling=client.scope_ceiling)
    in_order = tuple(scope.name for scope in resource.scopes if scope.name in granted)
    return Access(resource, in_order)
