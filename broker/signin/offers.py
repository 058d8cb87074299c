"""What the sign-in page knows about identity providers."""

from __future__ import annotations

from broker.signin.providers import enabled_providers, provider_by_slug
from oauth.ports import Offer


class SignInOffers:
    """Reads what is kept for a few seconds; asks no provider, so that the page is never slow."""

    def offers(self) -> tuple[Offer, ...]:
        """The enabled providers by name."""
        return tuple(Offer(one.display_name, one.slug) for one in enabled_providers())

    def can_sign_out(self, slug: str) -> Offer | None:
        """The provider. Whether it ends sessions is found out when somebody wants that."""
        found = provider_by_slug(slug)
        return Offer(found.display_name, found.slug) if found else None
