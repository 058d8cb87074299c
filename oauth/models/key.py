"""Signing keys of this server."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models

from authplane.core import clock
from authplane.core.ids import uuid7


class SigningKey(models.Model):
    """A signing key. Its state follows from the clock and is never stored.

    upcoming before `activates_at`; active from then until a later key activates; retiring until
    `expires_at`, which is set when it is superseded; retired afterwards. `withdrawn_at` ends it
    at once, whatever the other dates say.
    """

    id: models.UUIDField[uuid.UUID, uuid.UUID] = models.UUIDField(
        primary_key=True, default=uuid7, editable=False
    )
    kid = models.CharField(max_length=64, unique=True)
    algorithm = models.CharField(max_length=16)
    public_jwk = models.JSONField()
    private_sealed = models.BinaryField()
    created_at = models.DateTimeField(default=clock.now, editable=False)
    activates_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["activates_at"], name="signing_key_activation")
        ]

    def __str__(self) -> str:
        return self.kid
