"""Where an authorization that began at this server, and goes on elsewhere, has got to."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models

from authplane.core import clock
from authplane.core.ids import uuid7


class ConnectState(models.Model):
    """One hop to an upstream service and back: known by the hash of its `state` parameter.

    `integrity` is an HMAC over everything that the hop is bound to. It is claimed once, before
    anything else of the answer is looked at, and stays as a tombstone until it is cleaned up, so
    that a second use is recognised.
    """

    class Kind(models.TextChoices):
        """What the hop is for."""

        CONNECT = "connect"
        SERVER = "server"
        PROXY = "proxy"
        LOGIN = "login"

    id: models.UUIDField[uuid.UUID, uuid.UUID] = models.UUIDField(
        primary_key=True, default=uuid7, editable=False
    )
    kind = models.CharField(max_length=16, choices=Kind.choices)
    state_hash = models.CharField(
        max_length=64, unique=True, help_text="SHA-256 of the state, hex."
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="+",
    )
    provider = models.ForeignKey(
        "broker.BrokerProvider", null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    server = models.ForeignKey(
        "broker.UpstreamServer", null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    proxy = models.ForeignKey(
        "broker.OAuthProxy", null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    identity_provider = models.ForeignKey(
        "broker.IdentityProvider",
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="+",
    )
    resource = models.UUIDField(null=True, blank=True)
    verifier_sealed = models.BinaryField()
    browser_hash = models.CharField(
        max_length=64, blank=True, default="", help_text="SHA-256 of the browser's mark, hex."
    )
    redirect_uri = models.TextField(help_text="Our callback, as the upstream was told it.")
    return_url = models.TextField(blank=True, default="")
    issuer = models.TextField(blank=True, default="", help_text="Whose answer it must be.")
    client_id = models.TextField(help_text="Ours at the upstream.")
    scopes = models.JSONField(default=list)
    context = models.JSONField(
        default=dict, blank=True, help_text="What the flow goes on with. Nothing secret."
    )
    integrity_key = models.CharField(max_length=16)
    integrity = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    expires_at = models.DateTimeField()
    consumed_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=32, blank=True, default="")

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["expires_at"], name="connect_state_expiry")
        ]

    def __str__(self) -> str:
        return f"{self.kind} state {self.pk}"
