"""The record of what happened. Rows are written once and never changed."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models

from authplane.core import clock
from authplane.core.ids import uuid7


class AuditEvent(models.Model):
    """One thing that happened, told in text: it outlives the users and clients it names.

    `detail` holds no personal data. What is personal (the address of the caller) stands in
    `personal` alone, together with a random salt; `personal_digest` is the SHA-256 of that text.
    Whoever must forget a person empties `personal`, and everything computed over the row,
    which covers the digest only, still holds.
    """

    id: models.UUIDField[uuid.UUID, uuid.UUID] = models.UUIDField(
        primary_key=True, default=uuid7, editable=False
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)
    action = models.CharField(max_length=64)
    actor_id = models.CharField(max_length=255, blank=True, default="")
    client_id = models.CharField(max_length=512, blank=True, default="")
    detail = models.JSONField(default=dict, blank=True)
    request_id = models.CharField(max_length=64, blank=True, default="")
    trace_id = models.CharField(max_length=64, blank=True, default="")
    personal = models.TextField(blank=True, default="")
    personal_digest = models.CharField(max_length=64, blank=True, default="")

    class Meta:
        ordering: ClassVar[list[str]] = ["-id"]
        # Ids are UUIDv7, so that an index ending in `id` also reads in order of time.
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["action", "id"], name="audit_action"),
            models.Index(
                fields=["actor_id", "id"], name="audit_actor", condition=~models.Q(actor_id="")
            ),
            models.Index(
                fields=["client_id", "id"], name="audit_client", condition=~models.Q(client_id="")
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.id}"


class AuditKey(models.Model):
    """A key that signs checkpoints and nothing else. Its private part is sealed.

    `endorsement` is the signed word of the key before it, by which whoever trusts that one may
    trust this one. Keys stay: old checkpoints are verified with them.
    """

    kid = models.CharField(primary_key=True, max_length=64)
    public_jwk = models.JSONField()
    private_sealed = models.BinaryField()
    endorsement = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(default=clock.now, editable=False)

    def __str__(self) -> str:
        return self.kid


class AuditSeal(models.Model):
    """A batch of the record. What the columns say stands in `checkpoint` as well, signed.

    `upto` is the id up to which every row that could then be seen is sealed; `late` counts rows of
    this batch that are older than the end of the batch before it.
    """

    number = models.BigIntegerField(primary_key=True)
    format = models.IntegerField()
    sealed_at = models.DateTimeField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    upto = models.UUIDField()
    count = models.IntegerField()
    late = models.IntegerField()
    actions = models.JSONField()
    root = models.CharField(max_length=64)
    previous = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)
    checkpoint = models.TextField()

    class Meta:
        ordering: ClassVar[list[str]] = ["-number"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["last_at"], name="audit_seal_last")
        ]

    def __str__(self) -> str:
        return f"seal {self.number}"


class SealedEvent(models.Model):
    """That a row of the record stands in a batch, at which place, and its digest then."""

    event = models.UUIDField(primary_key=True)
    seal = models.BigIntegerField()
    position = models.IntegerField()
    leaf = models.BinaryField()

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["seal", "position"], name="audit_sealed_place")
        ]

    def __str__(self) -> str:
        return f"{self.seal}.{self.position}"


class SealRemoval(models.Model):
    """That the rows of a batch were removed after their time: signed, and permission to do so."""

    seal = models.BigIntegerField(primary_key=True)
    removed_at = models.DateTimeField()
    statement = models.TextField()

    def __str__(self) -> str:
        return f"removal of {self.seal}"


class AuditCursor(models.Model):
    """How far an anchor or a stream has come: batches wholly, and rows of the next one."""

    name = models.CharField(primary_key=True, max_length=64)
    seal = models.BigIntegerField(default=0)
    rows = models.IntegerField(default=0)
    failures = models.IntegerField(default=0)
    error = models.CharField(max_length=255, blank=True, default="")
    updated_at = models.DateTimeField(default=clock.now)

    def __str__(self) -> str:
        return f"{self.name} at {self.seal}"
