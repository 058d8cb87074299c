"""What was fetched about a client from the addresses it named, and until when that is fresh."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models

from authplane.core import clock
from authplane.core.ids import uuid7


class FetchedDocument(models.Model):
    """The latest fetch of a client's metadata document or key set.

    What a metadata document says stands in the client's own row; `content` holds key sets only.
    `failure` names why the latest attempt brought nothing; `is_rejected` says that it was an
    answer and not an outage: what was fetched before must then not be relied on any more.
    """

    class Kind(models.TextChoices):
        """What the document is."""

        METADATA = "metadata"
        KEYS = "keys"

    id: models.UUIDField[uuid.UUID, uuid.UUID] = models.UUIDField(
        primary_key=True, default=uuid7, editable=False
    )
    client = models.ForeignKey("oauth.Client", on_delete=models.CASCADE, related_name="documents")
    kind = models.CharField(max_length=16, choices=Kind.choices)
    etag = models.CharField(max_length=255, blank=True, default="")
    content = models.JSONField(null=True, blank=True)
    fetched_at = models.DateTimeField(null=True, blank=True, help_text="The latest success.")
    fresh_until = models.DateTimeField()
    checked_at = models.DateTimeField(default=clock.now, help_text="The latest attempt.")
    failure = models.CharField(max_length=64, blank=True, default="")
    is_rejected = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["client", "kind"], name="document_unique_per_client")
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["fresh_until"], name="document_freshness")
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.client_id}"
