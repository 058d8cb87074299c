"""What a user wants to connect, as a link names it: provider, resource, and where to go then."""

from __future__ import annotations

from dataclasses import dataclass

from broker.connect import refusals
from broker.connect.refusals import Refusal
from broker.connect.return_urls import is_allowed
from broker.providers.selectors import Provider, provider_by_slug
from oauth.resources.selectors import directory, find_resource
from oauth.resources.view import ResourceView


class NotConnectable(Exception):
    """The link cannot be followed; `refusal` says why."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.description)
        self.refusal = refusal


@dataclass(frozen=True, slots=True)
class Wish:
    """A link that can be followed. `scopes` are the service's names, all that the resource has."""

    provider: Provider
    resource: ResourceView
    return_url: str

    @property
    def scopes(self) -> tuple[str, ...]:
        """The whole catalogue of the resource, as the service calls it."""
        return self.resource.upstream_scopes(scope.name for scope in self.resource.scopes)


def read_wish(provider_slug: str, *, unverified_resource: str, unverified_return_url: str) -> Wish:
    """What the link asks for.

    Raises: NotConnectable.
    """
    if not unverified_return_url:
        raise NotConnectable(refusals.NO_RETURN_URL)
    provider = provider_by_slug(provider_slug)
    if provider is None or not provider.enabled:
        raise NotConnectable(refusals.UNKNOWN)
    resource = _resource(provider, unverified=unverified_resource)
    if not is_allowed(unverified_return_url, of_resource=resource.return_urls):
        raise NotConnectable(refusals.RETURN_URL)
    return Wish(provider, resource, unverified_return_url)


def _resource(provider: Provider, *, unverified: str) -> ResourceView:
    if unverified:
        found = find_resource(unverified)
        if found is None:
            raise NotConnectable(refusals.UNKNOWN)
        if found.broker_provider != provider.id:
            raise NotConnectable(refusals.NOT_BROKERED)
        return found
    offered = [one for one in directory().resources if one.broker_provider == provider.id]
    if not offered:
        raise NotConnectable(refusals.NOT_BROKERED)
    if len(offered) > 1:
        raise NotConnectable(refusals.SEVERAL)
    return offered[0]
