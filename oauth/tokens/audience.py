"""The resource named at the token endpoint is the one the user agreed to."""

from collections.abc import Sequence

from authplane.core.uris import fold_resource
from oauth.errors import OAuthError, Reason
from oauth.resources.selectors import find_resource


def require_same_resource(named: Sequence[str], *, registered: str) -> None:
    """Every value names the registered resource, by URI or slug; none at all is fine too.

    Spec: RFC 8707 section 2.2.
    Raises: OAuthError, `invalid_target`.
    """
    for value in named:
        if value == registered or fold_resource(value) == fold_resource(registered):
            continue
        resource = find_resource(value)
        if resource is None:
            raise OAuthError(Reason.RESOURCE_UNKNOWN)
        if resource.uri != registered:
            raise OAuthError(Reason.RESOURCE_MISMATCH)
