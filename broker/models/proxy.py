"""OAuth proxies: authorization servers of their own in front of services that lack one."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models

from authplane.core import clock
from authplane.core.ids import uuid7


class OAuthProxy(models.Model):
    """An issuer of its own, `<base>/api/v1/oauth-proxy/<id>`, with an upstream behind it.

    The integer id is the real one. `config` keeps the members that the configuration was written
    with, as they were written; what counts stands in the columns.
    """

    class Mode(models.TextChoices):
        """Whose tokens clients hold: the proxy's, or the upstream's own."""

        GATEWAY = "gateway"
        UPSTREAM = "upstream"

    id = models.BigAutoField(primary_key=True)
    slug = models.SlugField(max_length=64, unique=True)
    name = models.CharField(max_length=255)
    mode = models.CharField(max_length=16, choices=Mode.choices, default=Mode.GATEWAY)
    provider = models.ForeignKey(
        "broker.BrokerProvider", on_delete=models.PROTECT, related_name="proxies"
    )
    target_url = models.TextField()
    allowed_redirects = models.JSONField(default=list)
    scopes = models.JSONField(default=list, blank=True)
    require_consent = models.BooleanField(default=True)
    enabled = models.BooleanField(default=True)
    config = models.JSONField(default=dict, blank=True)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = "OAuth proxy"
        verbose_name_plural = "OAuth proxies"

    def __str__(self) -> str:
        return self.name


class ProxyConsent(models.Model):
    """What a user allowed a client of a proxy."""

    id: models.UUIDField[uuid.UUID, uuid.UUID] = models.UUIDField(
        primary_key=True, default=uuid7, editable=False
    )
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    client = models.ForeignKey("oauth.Client", on_delete=models.CASCADE, related_name="+")
    proxy = models.ForeignKey(OAuthProxy, on_delete=models.CASCADE, related_name="consents")
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["user", "client", "proxy"], name="proxy_consent_unique")
        ]

    def __str__(self) -> str:
        return f"consent {self.pk}"


class GatewaySession(models.Model):
    """Tokens of a proxy and the upstream connection they stand for.

    `family_id` names the family of gateway tokens; the ledger's rows carry it, so that ending the
    session ends them.
    """

    id: models.UUIDField[uuid.UUID, uuid.UUID] = models.UUIDField(
        primary_key=True, default=uuid7, editable=False
    )
    proxy = models.ForeignKey(OAuthProxy, on_delete=models.CASCADE, related_name="sessions")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    client = models.ForeignKey("oauth.Client", on_delete=models.CASCADE, related_name="+")
    connection = models.ForeignKey(
        "broker.Connection", on_delete=models.CASCADE, related_name="gateway_sessions"
    )
    family_id = models.UUIDField(unique=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["expires_at"], name="gateway_session_expiry"),
            models.Index(fields=["user", "id"], name="gateway_session_user"),
        ]

    def __str__(self) -> str:
        return f"gateway session {self.pk}"
