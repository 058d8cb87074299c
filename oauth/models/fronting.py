"""Which resource may stand in front of which."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models

from authplane.core import clock
from authplane.core.ids import uuid7


class FrontingLink(models.Model):
    """Tokens for `source` may be exchanged into tokens for `target`, scope by scope.

    `scope_map` is {source scope: [target scopes]}. The links of all resources form no cycle.
    """

    id: models.UUIDField[uuid.UUID, uuid.UUID] = models.UUIDField(
        primary_key=True, default=uuid7, editable=False
    )
    source = models.ForeignKey(
        "oauth.Resource", on_delete=models.PROTECT, related_name="fronting_links"
    )
    target = models.ForeignKey(
        "oauth.Resource", on_delete=models.PROTECT, related_name="fronted_by_links"
    )
    scope_map = models.JSONField(default=dict)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    created_by = models.CharField(max_length=255, blank=True, default="")

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["source", "target"], name="fronting_link_unique")
        ]

    def __str__(self) -> str:
        return f"{self.source_id} -> {self.target_id}"
