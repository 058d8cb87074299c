"""Remove what the flows leave behind: requests, codes, refresh tokens, ended authorizations."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.db.models import Exists, OuterRef, Q

from authplane.core.config import config
from authplane.core.ids import first_uuid7_at
from authplane.core.purge import delete_in_batches
from oauth.models import (
    AuthorizationCode,
    AuthorizationRequest,
    PushedRequest,
    RefreshToken,
    TokenFamily,
)

MEMORY: Final = timedelta(days=1)
"""How long a spent code is remembered: a thief's late use still ends what the code began."""

MARGIN: Final = timedelta(days=1)
"""How much longer than its last access token a family is kept."""


def purge_requests(now: datetime) -> int:
    """Authorization requests that lapsed are gone, whether answered or not."""
    return delete_in_batches(AuthorizationRequest.objects.filter(expires_at__lte=now))


def purge_pushed(now: datetime) -> int:
    """Pushed requests whose time is over are gone, whatever became of them."""
    return delete_in_batches(PushedRequest.objects.filter(expires_at__lte=now))


def purge_codes(now: datetime) -> int:
    """Codes that expired more than a day ago are gone."""
    return delete_in_batches(AuthorizationCode.objects.filter(expires__lte=now - MEMORY))


def purge_refresh_tokens(now: datetime) -> int:
    """Refresh tokens that expired are gone, once the access token issued beside each has ended.

    Used ones stay until then as well, so that a replay is recognised.
    """
    return delete_in_batches(RefreshToken.objects.filter(expires__lte=now - _access_lifetime()))


def purge_families(now: datetime) -> int:
    """Families that can neither be refreshed nor have a live access token are gone.

    The row of a revoked family is what makes a token of it inactive, so it must outlive the last
    of them; that is why age counts here and revocation does not.
    """
    settled = now - _access_lifetime() - MARGIN
    refreshable = Exists(RefreshToken.objects.filter(family=OuterRef("pk")))
    # A family without refresh tokens got its last access token when it began, or beside the last
    # refresh token, which outlives that access token.
    ended = Q(expires_at__lte=settled) | (Q(pk__lt=first_uuid7_at(settled)) & ~refreshable)
    return delete_in_batches(TokenFamily.objects.filter(ended))


def _access_lifetime() -> timedelta:
    return timedelta(seconds=config().tokens.access_ttl + config().tokens.clock_skew)
