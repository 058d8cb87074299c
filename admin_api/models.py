"""Who operates the server: keys of administrators, and staff users with their roles."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models

from admin_api.operations import Role
from authplane.core import clock
from authplane.core.ids import uuid7

ROLES = [(role.value, role.value) for role in Role]


class AdminApiKey(models.Model):
    """A key of the operator API with a name, by its hash alone.

    Rows stay when a key is revoked: the record names keys, and a name must never come to mean
    another key.
    """

    id: models.UUIDField[uuid.UUID, uuid.UUID] = models.UUIDField(
        primary_key=True, default=uuid7, editable=False
    )
    name = models.CharField(max_length=64, unique=True)
    description = models.CharField(max_length=255, blank=True, default="")
    prefix = models.CharField(max_length=16)
    key_hash = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the key, hex.")
    role = models.CharField(max_length=16, choices=ROLES)
    allowed = models.JSONField(
        null=True, blank=True, help_text="Nouns and operations it may use; NULL: what its role may."
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)
    created_by = models.CharField(max_length=255, blank=True, default="")
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name


class StaffRole(models.Model):
    """What a user may do in the operator console; who has no row is no staff."""

    id: models.UUIDField[uuid.UUID, uuid.UUID] = models.UUIDField(
        primary_key=True, default=uuid7, editable=False
    )
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="staff_role"
    )
    role = models.CharField(max_length=16, choices=ROLES)
    granted_at = models.DateTimeField(default=clock.now)
    granted_by = models.CharField(max_length=255, blank=True, default="")

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=models.Q(role__in=[role.value for role in Role]),
                name="staff_role_known",
            )
        ]

    def __str__(self) -> str:
        return f"{self.user_id} as {self.role}"
