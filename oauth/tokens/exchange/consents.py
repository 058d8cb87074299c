"""The user's consent to an exchange: read from the database, and how to ask for what is missing."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from oauth.consent.grant_link import consent_url
from oauth.errors import OAuthError, Reason
from oauth.models import ConsentGrant
from oauth.resources.view import ResourceView
from oauth.tokens.exchange.presented import Presented


@dataclass(frozen=True, slots=True)
class ConsentKey:
    """Whose consent it is, to which client, at which resource."""

    user_id: uuid.UUID
    client: uuid.UUID
    resource: ResourceView


def consent_key(subject: Presented, *, resource: ResourceView) -> ConsentKey:
    """The consent that an exchange of this token rests on: to the client that got the token.

    Raises: OAuthError(NOBODY_TO_CONSENT) for a token that is about no user of ours.
    """
    standing = subject.standing
    if standing.user_id is None or standing.application_id is None:
        raise OAuthError(Reason.NOBODY_TO_CONSENT)
    return ConsentKey(standing.user_id, standing.application_id, resource)


def allowed_scopes(key: ConsentKey) -> frozenset[str]:
    """What stands consented; nothing without a consent. One statement.

    A consent whose client has changed since keeps its row without its scopes: it is none.
    """
    scopes = ConsentGrant.objects.filter(
        user_id=key.user_id,
        client_id=key.client,
        resource_id=key.resource.id,
        revoked_at=None,
    ).values_list("scopes", flat=True)
    return frozenset(name for row in scopes for name in row)


def consent_required(
    reason: Reason, *, key: ConsentKey, wanted: tuple[str, ...], now: datetime
) -> OAuthError:
    """The refusal that says what to ask the user, and where.

    `cause` is `consent_missing` or `scope_insufficient`. Without a scope of the resource's to ask
    for there is no page that could help, and `consent_url` is absent.
    """
    insufficient = reason is Reason.CONSENT_INSUFFICIENT
    extra = {
        "cause": "scope_insufficient" if insufficient else "consent_missing",
        "service_id": key.resource.slug,
    }
    asked = tuple(name for name in wanted if name in key.resource.scope_names)
    if asked:
        extra["consent_url"] = consent_url(
            client=key.client,
            resource=key.resource.slug,
            scopes=asked,
            user_id=key.user_id,
            now=now,
        )
    return OAuthError(reason, extra=extra)


def missing(wanted: tuple[str, ...], *, allowed: Collection[str]) -> tuple[str, ...]:
    """What is wanted and not allowed yet."""
    return tuple(name for name in wanted if name not in allowed)
