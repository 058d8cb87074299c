"""Clients that nobody here made, and what administrators say to them."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models

from authplane.core import clock
from authplane.core.ids import uuid7
from oauth.models.client import Client


class ClientApproval(models.Model):
    """A request that a client may be used, as its registration is at this moment.

    At most one waits for each client. When the client changes, those who agreed have agreed to
    something else: the request is superseded and another one takes its place.
    """

    class Outcome(models.TextChoices):
        """What became of it."""

        WAITING = "waiting"
        APPROVED = "approved"
        REJECTED = "rejected"
        SUPERSEDED = "superseded"

    class Cause(models.TextChoices):
        """Why administrators are asked."""

        REGISTERED = "registered"
        CHANGED = "changed"
        REQUESTED = "requested"

    id: models.UUIDField[uuid.UUID, uuid.UUID] = models.UUIDField(
        primary_key=True, default=uuid7, editable=False
    )
    client = models.ForeignKey(Client, on_delete=models.CASCADE, related_name="approvals")
    cause = models.CharField(max_length=16, choices=Cause.choices)
    outcome = models.CharField(max_length=16, choices=Outcome.choices, default=Outcome.WAITING)
    needed = models.PositiveSmallIntegerField(default=1, help_text="How many have to agree.")
    requested_at = models.DateTimeField(default=clock.now, editable=False)
    requested_by = models.CharField(
        max_length=255, blank=True, default="", help_text="Empty: the client itself."
    )
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["client"],
                condition=models.Q(outcome="waiting"),
                name="approval_one_waiting",
            )
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["outcome", "id"], name="approval_outcome")
        ]

    def __str__(self) -> str:
        return f"{self.client_id}: {self.outcome}"


class ApprovalVote(models.Model):
    """What one administrator says; nobody says it twice."""

    class Verdict(models.TextChoices):
        """Yes or no."""

        APPROVE = "approve"
        REJECT = "reject"

    id: models.UUIDField[uuid.UUID, uuid.UUID] = models.UUIDField(
        primary_key=True, default=uuid7, editable=False
    )
    approval = models.ForeignKey(ClientApproval, on_delete=models.CASCADE, related_name="votes")
    administrator = models.CharField(max_length=255)
    verdict = models.CharField(max_length=16, choices=Verdict.choices)
    reason = models.CharField(max_length=255, blank=True, default="")
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["approval", "administrator"], name="approval_one_vote")
        ]

    def __str__(self) -> str:
        return f"{self.administrator}: {self.verdict}"
