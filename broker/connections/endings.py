"""What becomes of a user's connections when the user goes: each is ended, and its service told."""

from __future__ import annotations

import uuid
from typing import Any, Final

from django.db.models.signals import pre_delete

from authplane.accounts.models import User
from authplane.accounts.services import user_disabled
from authplane.core import clock
from broker.connections.services import revoke
from broker.models import Connection

DISABLED: Final = "user_disabled"
DELETED: Final = "user_deleted"


def connect() -> None:
    """From now on."""
    user_disabled.connect(_when_disabled, dispatch_uid="broker.user_disabled")
    pre_delete.connect(_when_deleted, sender=User, dispatch_uid="broker.user_deleted")


def _when_disabled(*, user_id: uuid.UUID, actor: str, **_: Any) -> None:
    _end_all(user_id, reason=DISABLED, actor=actor)


def _when_deleted(*, instance: User, **_: Any) -> None:
    _end_all(instance.pk, reason=DELETED, actor="system")


def _end_all(user_id: uuid.UUID, *, reason: str, actor: str) -> None:
    """Here in the transaction at hand; at the services after it, whatever they say."""
    rows = Connection.objects.filter(user_id=user_id).exclude(status=Connection.Status.REVOKED)
    for key in rows.values_list("pk", flat=True):
        revoke(key, reason=reason, now=clock.now(), actor_id=actor)
