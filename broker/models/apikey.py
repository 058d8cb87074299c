"""Keys for the data plane, and what their groups may reach."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models

from authplane.core import clock
from authplane.core.ids import uuid7


class AccessGroup(models.Model):
    """Who shares access to proxies."""

    id: models.UUIDField[uuid.UUID, uuid.UUID] = models.UUIDField(
        primary_key=True, default=uuid7, editable=False
    )
    name = models.CharField(max_length=255, unique=True)
    enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    def __str__(self) -> str:
        return self.name


class GroupProxyAccess(models.Model):
    """A group may use a proxy, at most so many requests a minute; NULL is no limit."""

    group = models.ForeignKey(AccessGroup, on_delete=models.CASCADE, related_name="access")
    proxy = models.ForeignKey("broker.OAuthProxy", on_delete=models.CASCADE, related_name="access")
    requests_per_minute = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["group", "proxy"], name="access_unique_per_proxy")
        ]

    def __str__(self) -> str:
        return f"{self.group_id} at {self.proxy_id}"


class ApiKey(models.Model):
    """A key that stands for a user at proxies: its hash, and the first letters people see."""

    id: models.UUIDField[uuid.UUID, uuid.UUID] = models.UUIDField(
        primary_key=True, default=uuid7, editable=False
    )
    name = models.CharField(max_length=255)
    description = models.CharField(max_length=255, blank=True, default="")
    prefix = models.CharField(max_length=16)
    key_hash = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the key, hex.")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_keys"
    )
    group = models.ForeignKey(AccessGroup, on_delete=models.PROTECT, related_name="keys")
    created_at = models.DateTimeField(default=clock.now, editable=False)
    created_by = models.CharField(max_length=255, blank=True, default="")
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name
