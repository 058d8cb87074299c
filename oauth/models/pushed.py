"""Authorization requests that clients pushed (RFC 9126)."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models

from authplane.core import clock
from authplane.core.ids import uuid7


class PushedRequest(models.Model):
    """The parameters of a pushed request, until its one use or its end.

    `reference` is the SHA-256 of the random part of the `request_uri`. `expires_at` bounds the
    first arrival of a browser; `claimed_by` names the browser that came, `spent_at` is its answer.
    """

    id: models.UUIDField[uuid.UUID, uuid.UUID] = models.UUIDField(
        primary_key=True, default=uuid7, editable=False
    )
    reference = models.CharField(max_length=64, unique=True)
    client = models.ForeignKey("oauth.Client", on_delete=models.CASCADE, related_name="+")
    parameters = models.JSONField()
    created_at = models.DateTimeField(default=clock.now, editable=False)
    expires_at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True, blank=True)
    claimed_by = models.CharField(
        max_length=64, blank=True, default="", help_text="SHA-256 of the browser's mark."
    )
    spent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["expires_at"], name="pushed_request_expiry")
        ]

    def __str__(self) -> str:
        return f"pushed request {self.pk}"
