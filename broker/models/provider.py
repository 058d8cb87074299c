"""An upstream service, and how this server is registered there."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models

from authplane.core import clock
from authplane.core.ids import uuid7
from broker.models.discovered import Discovered


class BrokerProvider(models.Model):
    """A registration at an upstream service.

    `config_data` is what the operator wrote, complete enough to be used: it was judged by the
    rules of `protocol` when it was written, on top of the defaults of `preset`. `secret_sealed` is
    the secret when it was given inline; otherwise `config_data` names where it is found.
    """

    class Protocol(models.TextChoices):
        """What kind of credential the service gives out."""

        OAUTH = "oauth", "OAuth 2.0 or OpenID Connect"
        API_KEY = "api_key", "a key that users paste"
        SERVICE_ACCOUNT = "service_account", "a service account that acts as users"
        MCP = "mcp", "a remote MCP server that is discovered"

    id: models.UUIDField[uuid.UUID, uuid.UUID] = models.UUIDField(
        primary_key=True, default=uuid7, editable=False
    )
    number = models.PositiveIntegerField(
        unique=True, help_text="By which configurations with integer ids refer to it."
    )
    slug = models.SlugField(max_length=64, unique=True)
    display_name = models.CharField(max_length=255)
    protocol = models.CharField(max_length=32, choices=Protocol.choices)
    preset = models.CharField(max_length=32, blank=True, default="")
    config_data = models.JSONField(default=dict, blank=True)
    secret_sealed = models.BinaryField(null=True, blank=True)
    enabled = models.BooleanField(default=True)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["protocol"], name="provider_protocol")
        ]

    def __str__(self) -> str:
        return self.display_name


class ProviderConfig(Discovered):
    """What discovery found about the MCP server that a provider leads to, and our client there."""

    provider = models.OneToOneField(
        BrokerProvider, primary_key=True, on_delete=models.CASCADE, related_name="config"
    )

    def __str__(self) -> str:
        return f"configuration of {self.provider_id}"
