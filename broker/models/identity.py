"""Sign-in through identity providers of others."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models

from authplane.core import clock
from authplane.core.ids import uuid7


class IdentityProvider(models.Model):
    """An OpenID Connect provider that users may sign in with.

    `role_map` is {group: role}; `allowed_domains` are e-mail domains, none meaning any.
    `connector_id` is Dex's name for what stands behind it.
    """

    id: models.UUIDField[uuid.UUID, uuid.UUID] = models.UUIDField(
        primary_key=True, default=uuid7, editable=False
    )
    slug = models.SlugField(max_length=64, unique=True)
    display_name = models.CharField(max_length=255)
    issuer = models.CharField(max_length=512)
    client_id = models.CharField(max_length=512)
    secret_sealed = models.BinaryField(null=True, blank=True)
    secret_ref = models.CharField(max_length=255, blank=True, default="")
    token_endpoint_auth_method = models.CharField(
        max_length=32, blank=True, default="", help_text="Empty: as its discovery document says."
    )
    scopes = models.JSONField(default=list)
    include_groups_scope = models.BooleanField(default=True)
    connector_id = models.CharField(max_length=64, blank=True, default="")
    allowed_domains = models.JSONField(default=list, blank=True)
    groups_claim = models.CharField(max_length=64, blank=True, default="groups")
    role_map = models.JSONField(default=dict, blank=True)
    enabled = models.BooleanField(default=True)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.display_name


class FederatedIdentity(models.Model):
    """A user is this subject at this provider. Never looked up by e-mail."""

    id: models.UUIDField[uuid.UUID, uuid.UUID] = models.UUIDField(
        primary_key=True, default=uuid7, editable=False
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="identities"
    )
    provider = models.ForeignKey(
        IdentityProvider, on_delete=models.CASCADE, related_name="identities"
    )
    subject = models.CharField(max_length=255)
    groups = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    last_seen_at = models.DateTimeField(default=clock.now)

    class Meta:
        verbose_name_plural = "federated identities"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["provider", "subject"], name="identity_unique_per_provider"
            )
        ]

    def __str__(self) -> str:
        return f"{self.subject} at {self.provider_id}"
