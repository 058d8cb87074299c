"""How far the scope of an exchanged token reaches: never beyond what it comes from. Pure."""

from __future__ import annotations

from collections.abc import Collection

from oauth.errors import OAuthError, Reason
from oauth.resources.fronting import Link
from oauth.resources.view import OFFLINE_ACCESS, ResourceView

Scopes = tuple[str, ...]


def without_offline(requested: Scopes) -> Scopes:
    """The request without `offline_access`, which never becomes part of a token."""
    return tuple(name for name in requested if name != OFFLINE_ACCESS)


def require_known(requested: Scopes, *, target: ResourceView) -> None:
    """The target has each of these scopes.

    Raises: OAuthError(SCOPE_UNKNOWN).
    """
    if not target.scope_names.issuperset(requested):
        raise OAuthError(Reason.SCOPE_UNKNOWN)


def require_within(requested: Scopes, *, held: Scopes | None) -> None:
    """Nothing is asked for that the subject token does not hold.

    One that names no scope sets no limit of its own: then the user's consent is the limit.

    Raises: OAuthError(SUBJECT_SCOPE).
    """
    if held is not None and not set(held).issuperset(requested):
        raise OAuthError(Reason.SUBJECT_SCOPE)


def consentable(requested: Scopes, *, held: Scopes | None, target: ResourceView) -> Scopes:
    """What the user would have to allow: what is asked for, else what could be had at all.

    Raises: OAuthError(SCOPE_EMPTY) when nothing could be had whatever the user says.
    """
    if requested:
        return requested
    return _something(target.default_scopes if held is None else _in_order(target, within=held))


def consented(
    requested: Scopes, *, held: Scopes | None, allowed: Collection[str], target: ResourceView
) -> Scopes:
    """The scopes asked for, all of which the user allowed; without a request all that there are.

    Raises: OAuthError(CONSENT_INSUFFICIENT), OAuthError(SCOPE_EMPTY).
    """
    if requested:
        if not set(allowed).issuperset(requested):
            raise OAuthError(Reason.CONSENT_INSUFFICIENT)
        return requested
    within = set(allowed) if held is None else set(allowed) & set(held)
    return _something(_in_order(target, within=within))


def of_ones_own(requested: Scopes, *, held: Scopes | None, target: ResourceView) -> Scopes:
    """The scopes of a client's own token, which nobody else has to agree to.

    Here a token that names no scope holds none, for nothing else would limit what is asked for.

    Raises: OAuthError(SUBJECT_SCOPE), OAuthError(SCOPE_EMPTY).
    """
    require_within(requested, held=held or ())
    return _something(requested or _in_order(target, within=held or ()))


def at_the_same(requested: Scopes, *, held: Scopes | None) -> Scopes:
    """The scopes of a further token for what the subject token is for.

    Raises: OAuthError(SUBJECT_SCOPE), OAuthError(SCOPE_EMPTY).
    """
    require_within(requested, held=held or ())
    return _something(requested or held or ())


def fronted(requested: Scopes, *, held: Scopes | None, link: Link, target: ResourceView) -> Scopes:
    """The target's scopes that the held ones lead to, sorted. Any one source scope is enough.

    Raises: OAuthError(SCOPE_UNMAPPED), OAuthError(SUBJECT_SCOPE), OAuthError(SCOPE_EMPTY).
    """
    own = set(held or ())
    for name in requested:
        sources = link.sources_of(name)
        if not sources:
            raise OAuthError(Reason.SCOPE_UNMAPPED)
        if own.isdisjoint(sources):
            raise OAuthError(Reason.SUBJECT_SCOPE)
    reachable = (name for name in link.reachable(own) if name in target.scope_names)
    return _something(tuple(sorted(requested or reachable)))


def _in_order(target: ResourceView, *, within: Collection[str]) -> Scopes:
    """The target's scopes among these, in the target's order."""
    return tuple(scope.name for scope in target.scopes if scope.name in within)


def _something(scopes: Scopes) -> Scopes:
    if not scopes:
        raise OAuthError(Reason.SCOPE_EMPTY)
    return scopes
