"""From the question at the consent page to the code: both live for minutes."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from oauth2_provider.models import AbstractGrant

from authplane.core import clock
from authplane.core.hashing import new_secret
from authplane.core.ids import uuid7


class AuthorizationRequest(models.Model):
    """A validated authorization request of a signed-in user that waits for an answer.

    Written only after sign-in, so that anonymous requests cost no row. Decided at most once.
    """

    id = models.CharField(primary_key=True, max_length=43, default=new_secret, editable=False)
    issuer = models.CharField(max_length=255, blank=True, default="")
    client = models.ForeignKey("oauth.Client", on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    redirect_uri = models.TextField()
    scope = models.TextField(blank=True, default="", help_text="As narrowed by validation.")
    resource = models.TextField(help_text="Registered URI of the resource; the future audience.")
    state = models.TextField(blank=True, default="")
    code_challenge = models.CharField(max_length=128)
    dpop_jkt = models.CharField(max_length=64, blank=True, default="")
    auth_time = models.DateTimeField(help_text="When the user signed in.")
    acr = models.CharField(max_length=255, blank=True, default="")
    amr = models.JSONField(default=list, blank=True)
    pushed = models.UUIDField(
        null=True, blank=True, help_text="The pushed request that is spent with the answer."
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)
    expires_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["expires_at"], name="authorization_request_expiry")
        ]

    def __str__(self) -> str:
        return f"authorization request of {self.client_id}"


class AuthorizationCode(AbstractGrant):
    """An authorization code: its hash, what it is bound to, and whether it was spent.

    A spent code stays until it expires, because a second use must be recognised and must end
    what the first use began. `family_id` is chosen when the code is issued, so that even a
    parallel second use knows which family to end.
    """

    id: models.UUIDField[uuid.UUID, uuid.UUID] = models.UUIDField(
        primary_key=True, default=uuid7, editable=False
    )
    issuer = models.CharField(max_length=255, blank=True, default="")
    code = models.CharField(max_length=64, help_text="SHA-256 of the code, hex.")
    resource = models.TextField(help_text="Registered URI of the resource.")
    code_challenge = models.CharField(max_length=128)
    code_challenge_method = models.CharField(max_length=10, default="S256")
    family_id = models.UUIDField(default=uuid7, editable=False)
    dpop_jkt = models.CharField(max_length=64, blank=True, default="")
    auth_time = models.DateTimeField()
    acr = models.CharField(max_length=255, blank=True, default="")
    amr = models.JSONField(default=list, blank=True)
    projects = models.JSONField(
        default=list, blank=True, help_text="Ids of the projects that the user chose."
    )
    consumed_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    created = models.DateTimeField(default=clock.now, editable=False)
    updated = None
    nonce = None
    claims = None

    class Meta(AbstractGrant.Meta):
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["expires"], name="code_expiry"),
            models.Index(fields=["user", "application"], name="code_user_client"),
        ]
        # Not `unique=True`, for which Django keeps a second index that serves LIKE.
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["code"], name="code_once")
        ]

    def __str__(self) -> str:
        return f"authorization code {self.pk}"
