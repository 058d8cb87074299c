"""Which scopes a client gets that asks for itself, with no user to agree. Pure."""

from typing import Final

from oauth.errors import OAuthError, Reason
from oauth.resources.selectors import ResourceView

OFFLINE: Final = "offline_access"


def machine_scope(
    *,
    requested: tuple[str, ...],
    ceiling: frozenset[str],
    resource: ResourceView,
    resource_was_named: bool,
) -> tuple[str, ...]:
    """The scopes of the token, in the order asked for, or registered when none was asked for.

    Only an operator gives a machine scopes: what was asked for lies within the client's ceiling,
    and no ceiling means none. Without a named resource an empty scope is a token without scope.

    Spec: RFC 6749 section 3.3. The ceiling is our policy.
    Raises: OAuthError, `invalid_scope`.
    """
    wanted = tuple(name for name in requested if name != OFFLINE)
    if wanted:
        if not ceiling:
            raise OAuthError(Reason.SCOPE_NO_CEILING)
        if not set(wanted) <= ceiling:
            raise OAuthError(Reason.SCOPE_BEYOND_CEILING)
        if resource_was_named and not set(wanted) <= resource.scope_names:
            raise OAuthError(Reason.SCOPE_UNKNOWN)
        return wanted
    if not resource_was_named:
        return tuple(sorted(ceiling))
    granted = tuple(scope.name for scope in resource.scopes if scope.name in ceiling)
    if not granted:
        raise OAuthError(Reason.SCOPE_EMPTY if ceiling else Reason.SCOPE_NO_CEILING)
    return granted
