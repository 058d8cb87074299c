"""What a user allowed a client, per resource."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models

from authplane.core import clock
from authplane.core.ids import uuid7


class ConsentGrant(models.Model):
    """Standing consent. Allowing adds scopes; revoking keeps the row and dates it.

    `projects` are the ids of those chosen last, at a resource that asks for them.
    """

    id: models.UUIDField[uuid.UUID, uuid.UUID] = models.UUIDField(
        primary_key=True, default=uuid7, editable=False
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="consents"
    )
    client = models.ForeignKey("oauth.Client", on_delete=models.CASCADE, related_name="consents")
    resource = models.ForeignKey("oauth.Resource", on_delete=models.PROTECT, related_name="+")
    scopes = models.JSONField(default=list)
    projects = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["user", "client", "resource"], name="consent_unique_per_resource"
            )
        ]

    def __str__(self) -> str:
        return f"consent {self.pk}"
