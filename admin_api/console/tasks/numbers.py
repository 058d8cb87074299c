"""How many things an action reaches, counted no further than anybody reads."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from authplane.core.config import config
from authplane.core.counting import counted
from authplane.core.ids import first_uuid7_at
from oauth.models import AccessToken, ConsentGrant, TokenFamily

if TYPE_CHECKING:
    from django.db.models import QuerySet

MOST: Final = 1000


def told(rows: QuerySet[Any], one: str, many: str = "") -> str:
    """``3 consents``; ``1,000 consents or more`` where counting on would take its time."""
    found = counted(rows, limit=MOST)
    noun = one if found.number == 1 and found.is_exact else many or f"{one}s"
    more = "" if found.is_exact else " or more"
    return (
        f"{found.number or 'no'} {noun}{more}"
        if found.number < MOST
        else f"{found.number:,} {noun}{more}"
    )


def tokens_in_force(now: datetime) -> QuerySet[AccessToken]:
    """Access tokens that still count. None is older than the longest that any can live."""
    tokens = config().tokens
    longest = max(tokens.access_ttl, tokens.machine_ttl, tokens.exchange_ttl, tokens.xaa_ttl)
    oldest = first_uuid7_at(now - timedelta(seconds=longest))
    rows: QuerySet[AccessToken] = AccessToken.objects.filter(
        pk__gte=oldest, revoked_at=None, expires__gt=now
    )
    return rows


def families_in_force(now: datetime) -> QuerySet[TokenFamily]:
    """Authorizations that can still be refreshed."""
    return TokenFamily.objects.filter(revoked_at=None, expires_at__gt=now)


def consents_to(client: UUID) -> QuerySet[ConsentGrant]:
    """What users allow the client at present."""
    return ConsentGrant.objects.filter(client=client, revoked_at=None)
