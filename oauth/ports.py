"""What this app needs from others without knowing them: tokens of services that are not ours.

An exchange for a resource that somebody else makes the tokens for is decided here and answered by
the one registered source.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from audit.record import PreparedEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamRequest:
    """A token that may be had: every check of ours has passed.

    `issuance` is the id of the ledger row that will tell of it, `scopes` are our names for what
    is wanted, `client_id` is the client that acts.
    """

    issuance: uuid.UUID
    user_id: uuid.UUID
    client_id: str
    resource_id: uuid.UUID
    resource_slug: str
    scopes: tuple[str, ...]
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamToken:
    """A token of the upstream service. `lifetime` is in seconds, None when nobody said.

    `evidence` is the source's own row of the audit record, written together with the ledger's.
    """

    access_token: str
    lifetime: int | None = None
    provider: str = ""
    evidence: PreparedEvent | None = None


@dataclass
class UpstreamConsentNeeded(Exception):
    """The user has to connect an account, or to allow more of it, at `consent_url`.

    `cause` is `consent_missing` or `scope_insufficient`; `service_id` names the service.
    """

    cause: str
    consent_url: str
    service_id: str = ""


@dataclass
class UpstreamUnavailable(Exception):
    """The upstream service does not answer; worth another try after `retry_after` seconds."""

    retry_after: int = 5


class UpstreamUnknown(Exception):
    """Nobody knows where tokens for this resource come from."""


class TokenSource(Protocol):
    """Where tokens of upstream services come from."""

    def obtain(self, wish: UpstreamRequest) -> UpstreamToken:
        """A token of the user's at the upstream service.

        Raises: UpstreamConsentNeeded, UpstreamUnavailable, UpstreamUnknown.
        """


@dataclass(frozen=True, slots=True)
class ProviderName:
    """An upstream service by both of its names."""

    id: uuid.UUID
    slug: str


class ProviderDirectory(Protocol):
    """Which upstream services there are. Resources refer to them by id."""

    def by_id(self, key: uuid.UUID) -> ProviderName | None:
        """The service of this id; None when there is none."""

    def by_slug(self, slug: str) -> ProviderName | None:
        """The service of this slug; None when there is none."""


class _NoProviders:
    """The directory of an installation without upstream services."""

    def by_id(self, key: uuid.UUID) -> ProviderName | None:
        """None."""

    def by_slug(self, slug: str) -> ProviderName | None:
        """None."""


_directories: list[ProviderDirectory] = [_NoProviders()]


def register_directory(directory: ProviderDirectory) -> None:
    """Resources find their upstream services in this directory from now on."""
    _directories[:] = [directory]


def provider_directory() -> ProviderDirectory:
    """The registered directory; one without services when there is none."""
    return _directories[0]


@dataclass(frozen=True, slots=True)
class Offer:
    """A provider that people may sign in with: what they know it as, and its short name."""

    name: str
    slug: str


class SignInElsewhere(Protocol):
    """Identity providers that people may sign in with."""

    def offers(self) -> tuple[Offer, ...]:
        """Those of now, in the order in which they are shown."""

    def can_sign_out(self, slug: str) -> Offer | None:
        """The provider of this name, when people can be sent there to be signed out."""


class _OnlyHere:
    """Nobody can sign in elsewhere."""

    def offers(self) -> tuple[Offer, ...]:
        """None."""
        return ()

    def can_sign_out(self, slug: str) -> Offer | None:  # noqa: ARG002 - the port's
        """None."""
        return None


_elsewhere: list[SignInElsewhere] = [_OnlyHere()]


def register_sign_in(elsewhere: SignInElsewhere) -> None:
    """The sign-in page offers these providers from now on."""
    _elsewhere[:] = [elsewhere]


def sign_in_elsewhere() -> SignInElsewhere:
    """The registered providers; none when nobody registered any."""
    return _elsewhere[0]


MAX_PROJECTS: Final = 50
"""How many projects a page offers: a form carries a hundred fields."""


@dataclass(frozen=True, slots=True)
class ProjectName:
    """A project of a user's, as the user knows it."""

    id: uuid.UUID
    name: str
    is_default: bool = False


class ProjectDirectory(Protocol):
    """Which projects users have."""

    def projects_of(self, user_id: uuid.UUID) -> tuple[ProjectName, ...]:
        """At most `MAX_PROJECTS` of the user's, the default one first."""

    def owned(self, user_id: uuid.UUID, keys: Collection[uuid.UUID]) -> frozenset[uuid.UUID]:
        """Those of `keys` that are projects of the user's."""

    def default_of(self, user_id: uuid.UUID) -> uuid.UUID | None:
        """The user's default project, which exists from now on; None without a directory."""


class _NoProjects:
    """The directory of an installation without projects."""

    def projects_of(self, user_id: uuid.UUID) -> tuple[ProjectName, ...]:  # noqa: ARG002 - the port's
        """None."""
        return ()

    def owned(
        self,
        user_id: uuid.UUID,  # noqa: ARG002 - the port's
        keys: Collection[uuid.UUID],  # noqa: ARG002 - the port's
    ) -> frozenset[uuid.UUID]:
        """None of them."""
        return frozenset()

    def default_of(self, user_id: uuid.UUID) -> uuid.UUID | None:  # noqa: ARG002 - the port's
        """None."""
        return None


_projects: list[ProjectDirectory] = [_NoProjects()]


def register_projects(directory: ProjectDirectory) -> None:
    """Users choose among the projects of this directory from now on."""
    _projects[:] = [directory]


def project_directory() -> ProjectDirectory:
    """The registered directory; one without projects when there is none."""
    return _projects[0]


_registered: list[TokenSource] = []


def register_source(source: TokenSource) -> None:
    """Exchanges for upstream services are answered by this source from now on."""
    _registered[:] = [source]


def token_source() -> TokenSource | None:
    """The registered source; None when this installation has none."""
    return _registered[0] if _registered else None


@contextmanager
def source_in_place(source: TokenSource | None) -> Iterator[None]:
    """Within it this source answers, or none does."""
    before = list(_registered)
    _registered[:] = [] if source is None else [source]
    try:
        yield
    finally:
        _registered[:] = before
