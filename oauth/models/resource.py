"""Protected resources: what tokens are for."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models

from authplane.core import clock
from authplane.core.ids import uuid7


class Resource(models.Model):
    """A protected resource. `uri` is the audience, byte for byte as registered.

    `scopes` is a list of {"name", "description", "upstream", "default"}; only `name` is required.
    `policy` holds lists of client ids: {"exchange": {"allowed_client_ids": []},
    "runtime": {"client_ids": []}}, and the rules `dpop`, `grant_types`, `token_lifetime` (seconds)
    and `token_format`, each absent where the resource demands nothing. {"consent": {"projects":
    true}} stands beside them where users choose projects.
    """

    class Backend(models.TextChoices):
        """Who makes the tokens for it."""

        MINT = "mint", "signed by this server"
        BROKER = "broker", "an upstream service"
        ISSUER = "issuer", "this server itself (userinfo)"

    id: models.UUIDField[uuid.UUID, uuid.UUID] = models.UUIDField(
        primary_key=True, default=uuid7, editable=False
    )
    slug = models.SlugField(max_length=64, unique=True)
    uri = models.TextField(blank=True, default="")
    display_name = models.CharField(max_length=255, blank=True, default="")
    backend_kind = models.CharField(max_length=16, choices=Backend.choices, default=Backend.MINT)
    broker_provider = models.UUIDField(
        null=True, blank=True, help_text="Id of the provider whose tokens it takes."
    )
    scopes = models.JSONField(default=list, blank=True)
    policy = models.JSONField(default=dict, blank=True)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["uri"], condition=~models.Q(uri=""), name="resource_uri_unique"
            ),
            models.UniqueConstraint(
                fields=["backend_kind"],
                condition=models.Q(backend_kind="issuer"),
                name="resource_one_issuer",
            ),
            models.CheckConstraint(
                condition=models.Q(backend_kind="broker", broker_provider__isnull=False)
                | (~models.Q(backend_kind="broker") & models.Q(broker_provider__isnull=True)),
                name="resource_brokered_by_a_provider",
            ),
        ]

    def __str__(self) -> str:
        return self.display_name or self.slug
