"""Providers as the resources of the authorization server refer to them."""

from __future__ import annotations

import uuid

from broker.models import BrokerProvider
from oauth.ports import ProviderName


class Directory:
    """Reads the database each time: it is asked when resources change, while nobody removes any."""

    def by_id(self, key: uuid.UUID) -> ProviderName | None:
        """The provider of this id; None when there is none."""
        return _named(BrokerProvider.objects.filter(pk=key).first())

    def by_slug(self, slug: str) -> ProviderName | None:
        """The provider of this slug; None when there is none."""
        return _named(BrokerProvider.objects.filter(slug=slug).first())


def _named(row: BrokerProvider | None) -> ProviderName | None:
    return None if row is None else ProviderName(row.pk, row.slug)
