"""A user's account at an upstream service, and what is kept of it."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models

from authplane.core import clock
from authplane.core.ids import uuid7


class Connection(models.Model):
    """One upstream credential: of a user at a provider, or of one remote MCP server.

    `credential_sealed` is what lasts: a refresh token, a pasted key, the user a service account
    acts as. `access_sealed` is the latest access token, kept where there is nothing to refresh it
    with, or where keeping it is switched on. A refresh is marked in `refresh_used_at` before the
    upstream is called and unmarked when its outcome is certain: a mark that outlives its lease is
    an attempt whose outcome nobody knows. `version` rises with every change of the credential.
    """

    class Status(models.TextChoices):
        """Whether the credential can be used."""

        ACTIVE = "active"
        REFRESHING = "refreshing"
        REAUTH_REQUIRED = "reauth_required"
        REVOKED = "revoked"

    id: models.UUIDField[uuid.UUID, uuid.UUID] = models.UUIDField(
        primary_key=True, default=uuid7, editable=False
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="connections"
    )
    provider = models.ForeignKey(
        "broker.BrokerProvider",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="connections",
    )
    server = models.OneToOneField(
        "broker.UpstreamServer",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="connection",
    )
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.ACTIVE)
    scopes_granted = models.JSONField(default=list)
    account = models.CharField(
        max_length=255, blank=True, default="", help_text="Whose account it is, as users know it."
    )
    credential_sealed = models.BinaryField(null=True, blank=True)
    access_sealed = models.BinaryField(null=True, blank=True)
    access_expires_at = models.DateTimeField(
        null=True, blank=True, help_text="NULL: it does not expire."
    )
    token_type = models.CharField(max_length=32, blank=True, default="Bearer")
    version = models.PositiveBigIntegerField(default=1)
    refresh_used_at = models.DateTimeField(null=True, blank=True)
    lease_owner = models.CharField(max_length=64, blank=True, default="")
    lease_until = models.DateTimeField(null=True, blank=True)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveIntegerField(default=0)
    last_used_at = models.DateTimeField(null=True, blank=True)
    last_used_by = models.CharField(max_length=512, blank=True, default="")
    created_at = models.DateTimeField(default=clock.now, editable=False)
    connected_at = models.DateTimeField(default=clock.now)
    updated_at = models.DateTimeField(auto_now=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_reason = models.CharField(max_length=32, blank=True, default="")

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["user", "provider"],
                condition=models.Q(provider__isnull=False),
                name="connection_unique_per_provider",
            ),
            models.CheckConstraint(
                condition=models.Q(provider__isnull=False, server__isnull=True)
                | models.Q(provider__isnull=True, server__isnull=False),
                name="connection_to_one_thing",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["access_expires_at"],
                name="connection_expiry",
                condition=models.Q(status="active", access_expires_at__isnull=False),
            ),
            models.Index(
                fields=["lease_until"],
                name="connection_lease",
                condition=models.Q(lease_until__isnull=False),
            ),
            models.Index(
                fields=["status"],
                name="connection_usable",
                condition=models.Q(status__in=("active", "refreshing")),
            ),
        ]

    def __str__(self) -> str:
        return f"connection {self.pk}"
