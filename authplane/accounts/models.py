"""The person who signs in. Machines and agents are OAuth clients, never users."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, PermissionsMixin
from django.db import models
from django.db.models.functions import Lower

from authplane.accounts.managers import UserManager
from authplane.core import clock
from authplane.core.hashing import sha256_hex
from authplane.core.ids import uuid7


class User(AbstractBaseUser, PermissionsMixin):  # type: ignore[django-manager-missing]
    """A human account. Its id is the `sub` of every token and is never reused."""

    class Status(models.TextChoices):
        """Whether the account may sign in and its tokens count."""

        ACTIVE = "active"
        DISABLED = "disabled"

    class Role(models.TextChoices):
        """What the account may do beyond signing in."""

        USER = "user"
        ADMIN = "admin"

    id: models.UUIDField[uuid.UUID, uuid.UUID] = models.UUIDField(
        primary_key=True, default=uuid7, editable=False
    )
    email = models.EmailField(  # noqa: DJ001 - absent, not empty
        max_length=254, null=True, blank=True, db_index=True
    )
    name = models.CharField(max_length=255, blank=True, default="")
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.USER)
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.ACTIVE)
    provider = models.CharField(
        max_length=64,
        default="local",
        help_text="Who vouches for this account: local, or a sign-in provider's name.",
    )
    provider_sub = models.CharField(max_length=255, blank=True, default="")
    is_staff = models.BooleanField(default=False, help_text="May open the operator console.")
    signed_out_at = models.DateTimeField(
        null=True, blank=True, help_text="Sessions that began before it have ended."
    )
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["created_at"])]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(Lower("email"), name="user_email_unique_folded"),
            models.UniqueConstraint(
                fields=["provider", "provider_sub"],
                condition=~models.Q(provider="local") & ~models.Q(provider_sub=""),
                name="user_federated_identity_unique",
            ),
        ]

    def __str__(self) -> str:
        return self.email or str(self.id)

    @property
    def is_active(self) -> bool:  # type: ignore[override]
        """Django's name for it; the column is `status`."""
        return self.status == self.Status.ACTIVE

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Sessions carry it and end when it changes: with the password, and at a forced logout."""
        digest: str = super()._get_session_auth_hash(secret)  # type: ignore[misc]
        if self.signed_out_at is None:
            return digest
        return sha256_hex(f"{digest} {self.signed_out_at.timestamp()}")

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Store an absent e-mail as NULL, so that many accounts may lack one."""
        self.email = self.email or None
        super().save(*args, **kwargs)
