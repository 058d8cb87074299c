"""Why an identity provider was not changed, and why somebody was not signed in."""

from __future__ import annotations

from broker.errors import BadProvider, NoSuchProvider, ProviderConflict, ProviderInUse

__all__ = [
    "BadProvider",
    "IdentityTaken",
    "NoSuchIdentity",
    "NoSuchProvider",
    "ProviderConflict",
    "ProviderDown",
    "ProviderInUse",
    "SignInRefused",
]


class IdentityTaken(Exception):
    """The subject is another user already, or the user is another subject there."""


class NoSuchIdentity(Exception):
    """Nobody is linked to this subject."""


class ProviderDown(Exception):
    """The provider cannot be reached, or what it publishes cannot be used. `why` is for the log."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class SignInRefused(Exception):
    """What the provider said signs nobody in: a constant `reason`, and the `actor` it meant."""

    def __init__(self, reason: str, *, actor: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.actor = actor
