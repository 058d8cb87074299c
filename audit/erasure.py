"""Forgetting a person: what is personal in the rows that they caused is emptied.

The digests over those rows cover a salted digest of what was personal. It stays, and without the
salt nobody can find the address by trying all of them, so the chain still holds.
"""

from __future__ import annotations

from typing import Final

from django.db import transaction

from audit import record
from audit.events import AuditPersonalErased
from audit.models import AuditEvent

BATCH: Final = 2000


def erase_personal(user_id: str, *, actor: str = "system") -> int:
    """No row that this user caused holds an address; how many did.

    The rows are emptied in transactions of their own, unless the caller has one open. Their ids
    name no person once the account is gone.
    """
    if not user_id:
        return 0
    rows = AuditEvent.objects.filter(actor_id=user_id).exclude(personal="")
    emptied = 0
    while keys := list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH]):
        emptied += AuditEvent.objects.filter(pk__in=keys).update(personal="")
    if emptied:
        with transaction.atomic():
            record.record(AuditPersonalErased(actor_id=actor, user=user_id, rows=emptied))
    return emptied
