"""What an assertion entitles its client to: which resource, which scopes, by which policy."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from authplane.core.config import config
from authplane.core.metrics import counter
from authplane.core.uris import fold_resource
from oauth.errors import OAuthError, Reason
from oauth.resources.indicators import resolve_resource
from oauth.resources.view import OFFLINE_ACCESS, ResourceView
from oauth.xaa.assertions import Assertion


def entitled_resource(
    assertion: Assertion, *, requested: Sequence[str]
) -> tuple[ResourceView, bool]:
    """The one resource the token is for, and whether anybody named it; else this server itself.

    The request chooses among those of the assertion. Both name it by its URI: an identity provider
    knows nothing of our slugs, and a policy could not tell them apart.

    Spec: ID-JAG draft (`resource`); RFC 8707 section 2.
    Raises: OAuthError(XAA_RESOURCE_REQUIRED), OAuthError(RESOURCE_UNKNOWN),
    OAuthError(RESOURCE_SEVERAL), OAuthError(RESOURCE_MISMATCH).
    """
    named = requested or assertion.resources
    if not named:
        if config().xaa.require_resource:
            raise OAuthError(Reason.XAA_RESOURCE_REQUIRED)
        return resolve_resource(()), False
    resource = resolve_resource(named)
    if any(fold_resource(uri) != fold_resource(resource.uri) for uri in named):
        raise OAuthError(Reason.RESOURCE_UNKNOWN)
    if assertion.resources and fold_resource(resource.uri) not in map(
        fold_resource, assertion.resources
    ):
        raise OAuthError(Reason.RESOURCE_MISMATCH)
    return resource, True


def entitled_scope(
    assertion: Assertion,
    *,
    requested: Collection[str],
    ceiling: frozenset[str],
    resource: ResourceView,
    resource_was_named: bool,
) -> tuple[str, ...]:
    """The scopes of the token: within the client's ceiling, the assertion and the resource.

    What is asked for lies within all three or is refused; it is never cut down. Without a request
    it is what the assertion says, else the resource's default set, as far as the others allow.

    Spec: ID-JAG draft (`scope`); RFC 6749 section 3.3. The ceiling is our policy.
    Raises: OAuthError: `invalid_scope`.
    """
    if not ceiling:
        raise OAuthError(Reason.SCOPE_NO_CEILING)
    wanted = _without_offline(requested)
    if wanted:
        if assertion.scope is not None and not set(assertion.scope).issuperset(wanted):
            raise OAuthError(Reason.SCOPE_BEYOND_GRANT)
        if not ceiling.issuperset(wanted):
            raise OAuthError(Reason.SCOPE_BEYOND_CEILING)
        if resource_was_named and not resource.scope_names.issuperset(wanted):
            raise OAuthError(Reason.SCOPE_UNKNOWN)
        return wanted
    if assertion.scope is not None:
        offered = _without_offline(assertion.scope)
    else:
        offered = resource.default_scopes if resource_was_named else tuple(sorted(ceiling))
    granted = tuple(
        name
        for name in offered
        if name in ceiling and (not resource_was_named or name in resource.scope_names)
    )
    if not granted and (resource.scopes or assertion.scope is not None):
        raise OAuthError(Reason.SCOPE_EMPTY)
    return granted


def require_policy(assertion: Assertion, *, resource: ResourceView, scope: Collection[str]) -> None:
    """An enabled policy of the provider allows this. Without any policy nothing is allowed.

    Raises: OAuthError(XAA_POLICY).
    """
    allowed = any(
        policy.allows(client_id=assertion.client_id, resource=resource.uri, scope=scope)
        for policy in assertion.provider.policies
    )
    outcome = "allowed" if allowed else "denied"
    counter("authplane_xaa_policy_evaluation_total").labels(outcome).inc()
    if not allowed:
        raise OAuthError(Reason.XAA_POLICY)


def _without_offline(names: Collection[str]) -> tuple[str, ...]:
    return tuple(name for name in names if name != OFFLINE_ACCESS)
