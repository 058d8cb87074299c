"""Remote MCP servers that users add, and who owns them."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models

from authplane.core import clock
from authplane.core.ids import uuid7


class Project(models.Model):
    """A user's collection of profiles."""

    id: models.UUIDField[uuid.UUID, uuid.UUID] = models.UUIDField(
        primary_key=True, default=uuid7, editable=False
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="projects"
    )
    name = models.CharField(max_length=255)
    is_default = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["user"],
                condition=models.Q(is_default=True),
                name="project_one_default_per_user",
            )
        ]

    def __str__(self) -> str:
        return self.name


class Profile(models.Model):
    """A set of servers within a project."""

    id: models.UUIDField[uuid.UUID, uuid.UUID] = models.UUIDField(
        primary_key=True, default=uuid7, editable=False
    )
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="profiles")
    name = models.CharField(max_length=255)
    is_default = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["project"],
                condition=models.Q(is_default=True),
                name="profile_one_default_per_project",
            )
        ]

    def __str__(self) -> str:
        return self.name


class UpstreamServer(models.Model):
    """A remote MCP server by its URL. Whose it is follows from its profile's project."""

    id: models.UUIDField[uuid.UUID, uuid.UUID] = models.UUIDField(
        primary_key=True, default=uuid7, editable=False
    )
    profile = models.ForeignKey(Profile, on_delete=models.CASCADE, related_name="servers")
    name = models.CharField(max_length=255, blank=True, default="")
    url = models.TextField()
    requires_auth = models.BooleanField(null=True, blank=True, help_text="NULL: not asked yet.")
    created_at = models.DateTimeField(default=clock.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["profile", "url"], name="server_unique_per_profile")
        ]

    def __str__(self) -> str:
        return self.name or self.url


class UpstreamConfig(models.Model):
    """What discovery found about a server's authorization server, and our client there.

    Rediscovery replaces what was discovered and never the client: `client_id` and what belongs to
    it stay until the authorization server's issuer changes.
    """

    server = models.OneToOneField(
        UpstreamServer, primary_key=True, on_delete=models.CASCADE, related_name="config"
    )
    resource_identifier = models.TextField(blank=True, default="")
    issuer = models.TextField(blank=True, default="")
    authorization_endpoint = models.TextField(blank=True, default="")
    token_endpoint = models.TextField(blank=True, default="")
    registration_endpoint = models.TextField(blank=True, default="")
    revocation_endpoint = models.TextField(blank=True, default="")
    scopes = models.JSONField(default=list)
    supports_pkce = models.BooleanField(default=True)
    tells_issuer = models.BooleanField(
        default=False, help_text="Its answers carry `iss` (RFC 9207), which is then compared."
    )
    takes_documents = models.BooleanField(
        default=False, help_text="It fetches client metadata documents."
    )
    discovery_method = models.CharField(max_length=32, blank=True, default="")
    discovered_at = models.DateTimeField(null=True, blank=True)
    fresh_until = models.DateTimeField(null=True, blank=True)
    client_id = models.TextField(blank=True, default="")
    client_source = models.CharField(
        max_length=16, blank=True, default="", help_text="document, dcr or manual."
    )
    client_issuer = models.TextField(blank=True, default="", help_text="Where the client is known.")
    secret_sealed = models.BinaryField(null=True, blank=True)
    token_endpoint_auth_method = models.CharField(max_length=64, blank=True, default="none")
    registration_sealed = models.BinaryField(
        null=True, blank=True, help_text="Registration access token and management URL."
    )

    def __str__(self) -> str:
        return f"configuration of {self.server_id}"
