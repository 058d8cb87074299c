"""End everything that descends from one authorization."""

import uuid
from datetime import datetime
from typing import Final

from django.db import DatabaseError, transaction

from audit import events, record
from authplane.core.metrics import counter
from oauth.models import AccessToken, TokenFamily

_REPLAYS: Final = {"reuse_detection": "reuse", "code_reuse": "code_reuse"}
"""Causes that are replays, and what the metric calls them."""


def revoke_family(
    *, family_id: uuid.UUID, cause: str, now: datetime, client_id: str, actor_id: str = ""
) -> bool:
    """No token of the family works any more; False when it was revoked before or never begun.

    The family's own row decides: introspection and refresh both read it, so that a token that is
    being issued at this very moment is dead on arrival. One statement per table.

    A family that outlives a replay because the database failed is counted and recorded: it is the
    one failure here that an attacker gains from.

    Spec: RFC 9700 section 4.14.2 (refresh replay); RFC 6749 section 4.1.2 (code replay, SHOULD).
    """
    try:
        ended = _revoke(family_id, cause=cause, now=now, client_id=client_id, actor_id=actor_id)
    except DatabaseError:
        if path := _REPLAYS.get(cause):
            counter("authserver_revocation_failures_total").labels(path, "family").inc()
            record.record_refusal(
                events.FamilyRevocationFailed(
                    actor_id=actor_id,
                    client_id=client_id,
                    family=str(family_id),
                    path=path,
                    half="family",
                )
            )
        raise
    if ended:
        counter("oauth_token_family_revocations_total").labels(cause).inc()
    return ended


def _revoke(
    family_id: uuid.UUID, *, cause: str, now: datetime, client_id: str, actor_id: str
) -> bool:
    with transaction.atomic():
        ended = TokenFamily.objects.filter(pk=family_id, revoked_at=None).update(
            revoked_at=now, revoked_reason=cause
        )
        if not ended:
            return False
        AccessToken.objects.filter(family_id=family_id, revoked_at=None).update(
            revoked_at=now, revoked_reason=cause
        )
        record.record(
            events.FamilyRevoked(
                actor_id=actor_id, client_id=client_id, family=str(family_id), cause=cause
            )
        )
    return True
