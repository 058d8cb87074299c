"""What the new token is for, and which way leads there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from oauth.errors import OAuthError, Reason
from oauth.models import Resource
from oauth.resources.fronting import Link, find_link
from oauth.resources.selectors import find_resource
from oauth.resources.view import ResourceView
from oauth.tokens.exchange.presented import Presented

BROKER: Final = Resource.Backend.BROKER


@dataclass(frozen=True, slots=True)
class Fronting:
    """The subject token is for `source`, which stands in front of the target."""

    source: ResourceView
    link: Link


def find_target(values: Sequence[str]) -> ResourceView | None:
    """The one resource that all ``values`` name; None without any.

    This server itself is no target: its tokens let their holder ask for assertions in the user's
    name, and only the user hands them out.

    Spec: RFC 8707 section 2; RFC 8693 section 2.1 (`resource`, `audience`).
    Raises: OAuthError(RESOURCE_UNKNOWN), OAuthError(RESOURCE_SEVERAL).
    """
    found: ResourceView | None = None
    for value in values:
        resource = find_resource(value)
        if resource is None or not _is_reachable(resource):
            raise OAuthError(Reason.RESOURCE_UNKNOWN)
        if found is not None and resource.id != found.id:
            raise OAuthError(Reason.RESOURCE_SEVERAL)
        found = resource
    return found


def source_of(subject: Presented, *, target: ResourceView) -> ResourceView | None:
    """The resource with tokens of ours that the subject token is for, other than the target."""
    resource = subject.resource
    if resource is None or resource.backend_kind != Resource.Backend.MINT:
        return None
    return None if resource.id == target.id else resource


def fronting_of(source: ResourceView | None, *, target: ResourceView) -> Fronting | None:
    """The link from the source to the target."""
    link = find_link(source, target) if source is not None else None
    return Fronting(source, link) if source is not None and link is not None else None


def _is_reachable(resource: ResourceView) -> bool:
    """Tokens for it can be made, or had from elsewhere under its slug."""
    if resource.backend_kind == BROKER:
        return True
    return resource.backend_kind == Resource.Backend.MINT and bool(resource.uri)
