"""The record of what happened. Rows are written once and never changed."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models

from authplane.core import clock
from authplane.core.ids import uuid7


class AuditEvent(models.Model):
    """One thing that happened, told in text: it outlives the users and clients it names.

    `detail` holds no personal data. What is personal (the address of the caller) stands in
    `personal` alone, together with a random salt; `personal_digest` is the SHA-256 of that text.
    Whoever must forget a person empties `personal`, and everything computed over the row,
    which covers the digest only, still holds.
    """

    id: models.UUIDField[uuid.UUID, uuid.UUID] = models.UUIDField(
        primary_key=True, default=uuid7, editable=False
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)
    action = models.CharField(max_length=64)
    actor_id = models.CharField(max_length=255, blank=True, default="")
    client_id = models.CharField(max_length=512, blank=True, default="")
    detail = models.JSONField(default=dict, blank=True)
    request_id = models.CharField(max_length=64, blank=True, default="")
    trace_id = models.CharField(max_length=64, blank=True, default="")
    personal = models.TextField(blank=True, default="")
    personal_digest = models.CharField(max_length=64, blank=True, default="")

    class Meta:
        ordering: ClassVar[list[str]] = ["-id"]
        # Ids are UUIDv7, so that an index ending in `id` also reads in order of time.
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["action", "id"], name="audit_action"),
            models.Index(
                fields=["actor_id", "id"], name="audit_actor", condition=~models.Q(actor_id="")
            ),
            models.Index(
                fields=["client_id", "id"], name="audit_client", condition=~models.Q(client_id="")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.id}"
