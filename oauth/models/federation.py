"""Whose signed statements count here: identity providers for users, issuers for workloads."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models

from authplane.core import clock
from authplane.core.ids import uuid7


class TrustedIdP(models.Model):
    """An identity provider whose identity assertions (ID-JAG) are accepted.

    `issuer` is compared byte for byte with the assertion's `iss`. `jwks_uri` is where its keys
    are; `audience` is what its assertions name us, empty meaning our issuer.
    """

    id: models.UUIDField[uuid.UUID, uuid.UUID] = models.UUIDField(
        primary_key=True, default=uuid7, editable=False
    )
    name = models.CharField(max_length=255)
    issuer = models.CharField(max_length=512, unique=True)
    jwks_uri = models.CharField(max_length=2048)
    audience = models.CharField(max_length=512, blank=True, default="")
    enabled = models.BooleanField(default=True)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = "trusted identity provider"

    def __str__(self) -> str:
        return self.name


class XAAPolicy(models.Model):
    """What assertions of one identity provider may obtain. Without a policy: nothing.

    Empty `client_ids` and `resources` mean any. `scopes`: NULL is no limit, `[]` denies all,
    otherwise it must cover everything that is asked for.
    """

    id: models.UUIDField[uuid.UUID, uuid.UUID] = models.UUIDField(
        primary_key=True, default=uuid7, editable=False
    )
    name = models.CharField(max_length=255)
    idp = models.ForeignKey(TrustedIdP, on_delete=models.CASCADE, related_name="policies")
    client_ids = models.JSONField(default=list, blank=True)
    scopes = models.JSONField(null=True, blank=True, default=None)
    resources = models.JSONField(default=list, blank=True)
    enabled = models.BooleanField(default=True)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = "policy for identity assertions"
        verbose_name_plural = "policies for identity assertions"

    def __str__(self) -> str:
        return self.name


class SubjectMapping(models.Model):
    """Which local user a subject of an identity provider is."""

    id: models.UUIDField[uuid.UUID, uuid.UUID] = models.UUIDField(
        primary_key=True, default=uuid7, editable=False
    )
    idp = models.ForeignKey(TrustedIdP, on_delete=models.CASCADE, related_name="mappings")
    idp_subject = models.CharField(max_length=255)
    local_user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        # A user that is deleted leaves a mapping that matches and leads nowhere: never auto-mapped.
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="+",
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["idp", "idp_subject"], name="subject_mapping_unique_per_idp"
            )
        ]

    def __str__(self) -> str:
        return f"{self.idp_subject} at {self.idp_id}"


class WorkloadIssuer(models.Model):
    """An issuer of workload tokens (Kubernetes, GitHub Actions, SPIFFE) and who they stand for.

    `rules` is a list of {"subject": pattern, "client_id": id, "claims": {name: value}}; the first
    rule that matches decides which registered client the workload is. `*` in a pattern matches
    within one segment (`:` and `/` separate segments), `**` across them.
    """

    class Preset(models.TextChoices):
        """What kind of issuer it is: defaults for audience, keys and subject."""

        GENERIC = "generic"
        KUBERNETES = "kubernetes"
        GITHUB_ACTIONS = "github_actions"
        SPIFFE = "spiffe"

    id: models.UUIDField[uuid.UUID, uuid.UUID] = models.UUIDField(
        primary_key=True, default=uuid7, editable=False
    )
    name = models.CharField(max_length=255)
    preset = models.CharField(max_length=32, choices=Preset.choices, default=Preset.GENERIC)
    issuer = models.CharField(max_length=512, unique=True)
    jwks_uri = models.CharField(max_length=2048, blank=True, default="")
    jwks = models.JSONField(
        null=True, blank=True, help_text="Keys given here, for issuers that nobody can reach."
    )
    audience = models.CharField(max_length=512, blank=True, default="")
    rules = models.JSONField(default=list)
    enabled = models.BooleanField(default=True)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.name


class AssertionAudience(models.Model):
    """Another authorization server to which we, as identity provider, assert our users (ID-JAG).

    `audience` is that server's issuer. `client_ids` are our clients that may ask; empty means
    none. `remote_client_ids` maps our client's id to its id over there; one that is not listed
    has the same id at both.
    """

    id: models.UUIDField[uuid.UUID, uuid.UUID] = models.UUIDField(
        primary_key=True, default=uuid7, editable=False
    )
    name = models.CharField(max_length=255)
    audience = models.CharField(max_length=512, unique=True)
    client_ids = models.JSONField(default=list)
    remote_client_ids = models.JSONField(default=dict, blank=True)
    resources = models.JSONField(default=list, blank=True)
    scopes = models.JSONField(null=True, blank=True, default=None)
    enabled = models.BooleanField(default=True)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=clock.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.name
