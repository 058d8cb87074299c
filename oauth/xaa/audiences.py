"""The authorization servers to which we assert our users, and what for. Deny by default."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from authplane.core.cache import TimedCache, drop_on_commit
from authplane.core.uris import fold_resource
from oauth.errors import OAuthError, Reason
from oauth.models import AssertionAudience

SECONDS_UNTIL_SEEN: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """Another authorization server, by its issuer, and what our clients may have asserted there.

    `resources` and `scopes` are the other server's. `scopes` is None where every scope may be
    asked for; an empty one allows nothing at all.
    """

    id: uuid.UUID
    audience: str
    client_ids: frozenset[str]
    remote_client_ids: Mapping[str, str]
    resources: tuple[str, ...]
    scopes: tuple[str, ...] | None

    def client_there(self, client_id: str) -> str:
        """The id that one of our clients has at the other server.

        Spec: ID-JAG draft, section "Cross-Domain Client ID Handling".
        """
        return self.remote_client_ids.get(client_id, client_id)


def find_audience(unverified_audience: str) -> Audience | None:
    """The enabled audience of this name, byte for byte; None when there is none."""
    return _audiences.get("").get(unverified_audience)


def drop() -> None:
    """Every process reads the audiences anew once the present transaction is committed."""
    _audiences.forget()
    drop_on_commit(_audiences)


def permitted_resource(audience: Audience, unverified_resources: Sequence[str]) -> str:
    """The one resource the assertion is for, as it is registered; "" where none is registered.

    Without a wish it is the only one there is. What is not registered is refused: an assertion
    without a resource could be redeemed for any.

    Spec: ID-JAG draft, section "Token Exchange" (`resource`); RFC 8707 section 2.
    Raises: OAuthError(AUDIENCE_RESOURCE_REFUSED), OAuthError(RESOURCE_SEVERAL).
    """
    known = {fold_resource(uri): uri for uri in audience.resources}
    wanted = {fold_resource(uri) for uri in unverified_resources} or set(known)
    if not wanted <= set(known):
        raise OAuthError(Reason.AUDIENCE_RESOURCE_REFUSED)
    if len(wanted) > 1:
        several = Reason.RESOURCE_SEVERAL if unverified_resources else None
        raise OAuthError(several or Reason.AUDIENCE_RESOURCE_REFUSED)
    return known[wanted.pop()] if wanted else ""


def permitted_scope(audience: Audience, requested: tuple[str, ...]) -> tuple[str, ...]:
    """The scopes the assertion carries: those asked for, or all that are allowed.

    An assertion without scopes is one without a limit to whoever redeems it. So an omitted scope
    becomes the list of what is allowed, and stays open only where the audience has no such list.

    Spec: RFC 6749 section 3.3. Never narrowed silently: that is our policy.
    Raises: OAuthError(AUDIENCE_SCOPE_REFUSED).
    """
    if audience.scopes is None:
        return requested
    if not audience.scopes or not set(requested) <= set(audience.scopes):
        raise OAuthError(Reason.AUDIENCE_SCOPE_REFUSED)
    return requested or audience.scopes


def view_of(row: AssertionAudience) -> Audience:
    """The row as requests see it."""
    return Audience(
        id=row.pk,
        audience=row.audience,
        client_ids=frozenset(row.client_ids),
        remote_client_ids=dict(row.remote_client_ids),
        resources=tuple(row.resources),
        scopes=None if row.scopes is None else tuple(row.scopes),
    )


def _load(_: str) -> dict[str, Audience]:
    rows = AssertionAudience.objects.filter(enabled=True).order_by("id")
    return {row.audience: view_of(row) for row in rows}


_audiences: TimedCache[str, dict[str, Audience]] = TimedCache(
    "assertion_audiences", ttl=SECONDS_UNTIL_SEEN, load=_load
)
