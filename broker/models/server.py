"""Remote MCP servers that users add, and who owns them."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models

from authplane.core import clock
from authplane.core.ids import uuid7
from broker.models.discovered import Discovered


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


class UpstreamConfig(Discovered):
    """What discovery found about a server that a user added, and our client there."""

    server = models.OneToOneField(
        UpstreamServer, primary_key=True, on_delete=models.CASCADE, related_name="config"
    )

    def __str__(self) -> str:
        return f"configuration of {self.server_id}"
