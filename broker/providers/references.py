"""What keeps a provider from being removed."""

from __future__ import annotations

from broker.models import BrokerProvider, Connection
from oauth.models import Resource


def references_to(provider: BrokerProvider) -> str:
    """What refers to the provider, for people; empty when nothing does."""
    if slugs := Resource.objects.filter(broker_provider=provider.pk).values_list("slug", flat=True):
        return f"resources use this provider: {', '.join(slugs)}"
    if provider.proxies.exists():
        return "OAuth proxies use this provider"
    live = Connection.objects.filter(provider=provider, revoked_at=None).count()
    return f"{live} users are connected to this provider" if live else ""
