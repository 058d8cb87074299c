"""Reading scopes and deciding which of them a request may get."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from authplane.core.config import config
from oauth.errors import OAuthError, Reason
from oauth.resources.view import OFFLINE_ACCESS, ResourceView

SCOPE_TOKEN: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
MAX_SCOPE: Final = 4096


def parse_scope(text: str | None) -> tuple[str, ...]:
    """The scope names of a parameter, each once, in order; none when it is absent or empty.

    Spec: RFC 6749 appendix A.4 (one space between names; no quotes, backslashes or others).
    Raises: OAuthError(SCOPE_MALFORMED).
    """
    if not text:
        return ()
    names = text.split(" ")
    if len(text) > MAX_SCOPE or not all(map(SCOPE_TOKEN.fullmatch, names)):
        raise OAuthError(Reason.SCOPE_MALFORMED)
    return tuple(dict.fromkeys(names))


def is_scope_name(name: str) -> bool:
    """Whether ``name`` can be registered as a scope."""
    return SCOPE_TOKEN.fullmatch(name) is not None


def grantable(
    requested: Collection[str], *, resource: ResourceView, ceiling: Collection[str]
) -> tuple[str, ...]:
    """The scopes a request gets at ``resource``, in the order asked for.

    Without a request it is the resource's default set within the client's ceiling; an empty
    ceiling means that none was set. `offline_access` is accepted and left out.

    Spec: RFC 6749 section 3.3 (an omitted scope is a documented default or a refusal).
    Raises: OAuthError(SCOPE_REQUIRED), OAuthError(SCOPE_UNKNOWN),
    OAuthError(SCOPE_BEYOND_CEILING), OAuthError(SCOPE_EMPTY).
    """
    wanted = tuple(name for name in requested if name != OFFLINE_ACCESS)
    if not wanted:
        if config().oauth.require_scope:
            raise OAuthError(Reason.SCOPE_REQUIRED)
        return _default_set(resource, ceiling=ceiling)
    if not resource.scope_names.issuperset(wanted):
        raise OAuthError(Reason.SCOPE_UNKNOWN)
    if ceiling and not set(ceiling).issuperset(wanted):
        raise OAuthError(Reason.SCOPE_BEYOND_CEILING)
    return wanted


def narrow(requested: Collection[str], *, granted: Collection[str]) -> tuple[str, ...]:
    """The scopes of a later token: those asked for, all of which were granted before.

    Spec: RFC 6749 section 6 (MUST NOT include any scope not originally granted).
    Raises: OAuthError(SCOPE_BEYOND_GRANT).
    """
    wanted = tuple(name for name in requested if name != OFFLINE_ACCESS)
    if not wanted:
        return tuple(granted)
    if not set(granted).issuperset(wanted):
        raise OAuthError(Reason.SCOPE_BEYOND_GRANT)
    return wanted


def _default_set(resource: ResourceView, *, ceiling: Collection[str]) -> tuple[str, ...]:
    within = tuple(name for name in resource.default_scopes if not ceiling or name in ceiling)
    if resource.scopes and not within:
        # A token without any scope where scopes exist is refused by everybody: say so now.
        raise OAuthError(Reason.SCOPE_EMPTY)
    return within
