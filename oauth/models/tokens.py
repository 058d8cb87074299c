"""The ledger of issued tokens, the families they belong to, and refresh tokens.

Nothing here is a token: the ledger holds ids, refresh tokens are stored as hashes.
Writes go through `oauth.tokens.ledger`, one statement per change of state.
"""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from oauth2_provider.models import AbstractAccessToken, AbstractRefreshToken

from authplane.core import clock
from authplane.core.ids import uuid7


class TokenFamily(models.Model):  # type: ignore[django-manager-missing]
    """Everything that descends from one authorization. Revoking the row ends all of it."""

    id: models.UUIDField[uuid.UUID, uuid.UUID] = models.UUIDField(
        primary_key=True, default=uuid7, editable=False
    )
    issuer = models.CharField(max_length=255, blank=True, default="")
    # The indexes below begin with each of the two.
    client = models.ForeignKey(
        "oauth.Client", on_delete=models.CASCADE, db_index=False, related_name="+"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, db_index=False, related_name="+"
    )
    scope = models.TextField(blank=True, default="")
    resource = models.TextField()
    dpop_jkt = models.CharField(
        max_length=64, blank=True, default="", help_text="Key that every refresh must prove."
    )
    auth_time = models.DateTimeField()
    acr = models.CharField(max_length=255, blank=True, default="")
    amr = models.JSONField(default=list, blank=True)
    projects = models.JSONField(
        default=list, blank=True, help_text="Ids of the projects that the user chose."
    )
    created_at = models.DateTimeField(default=clock.now, editable=False)
    expires_at = models.DateTimeField(help_text="No refresh token of the family outlives this.")
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_reason = models.CharField(max_length=32, blank=True, default="")

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["client", "id"], name="family_client"),
            models.Index(fields=["user", "id"], name="family_user"),
            models.Index(fields=["expires_at"], name="family_expiry"),
        ]

    def __str__(self) -> str:
        return f"token family {self.pk}"


class AccessToken(AbstractAccessToken):
    """One issued access token of any grant; `id` is its `jti`.

    Ready to be partitioned by id, which begins with the time: nothing points at this table,
    user and client are plain ids without constraint, and rows outlive both.
    """

    class Kind(models.TextChoices):
        """The grant that produced the token."""

        AUTHORIZATION_CODE = "authorization_code"
        REFRESH_TOKEN = "refresh_token"  # noqa: S105 - a name
        CLIENT_CREDENTIALS = "client_credentials"
        TOKEN_EXCHANGE = "token_exchange"  # noqa: S105 - a name
        JWT_BEARER = "jwt_bearer"
        WORKLOAD = "workload"
        ASSERTION = "assertion"
        VEND = "vend"

    id: models.UUIDField[uuid.UUID, uuid.UUID] = models.UUIDField(
        primary_key=True, default=uuid7, editable=False
    )
    issuer = models.CharField(max_length=255, blank=True, default="")
    kind = models.CharField(max_length=32)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    application = models.ForeignKey(
        "oauth.Client",
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    subject = models.CharField(max_length=512, help_text="The `sub` claim.")
    actors = models.JSONField(null=True, blank=True, help_text="The `act` claim, newest outermost.")
    parent = models.UUIDField(null=True, blank=True, help_text="jti of the subject token.")
    consent_client = models.UUIDField(
        null=True, blank=True, help_text="Client whose consent the token rests on."
    )
    dpop_jkt = models.CharField(max_length=64, blank=True, default="")
    resource = models.TextField(help_text="The audience.")
    family_id = models.UUIDField(null=True, blank=True)
    created = models.DateTimeField(default=clock.now, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_reason = models.CharField(max_length=32, blank=True, default="")
    token = None
    token_checksum = None
    source_refresh_token = None
    id_token = None
    updated = None

    class Meta(AbstractAccessToken.Meta):
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["application", "id"], name="ledger_client"),
            models.Index(
                fields=["user", "id"], name="ledger_user", condition=models.Q(user__isnull=False)
            ),
            models.Index(
                fields=["family_id"],
                name="ledger_family",
                condition=models.Q(family_id__isnull=False),
            ),
            models.Index(
                fields=["parent"], name="ledger_parent", condition=models.Q(parent__isnull=False)
            ),
            models.Index(
                fields=["consent_client", "user"],
                name="ledger_consent",
                condition=models.Q(consent_client__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"access token {self.pk}"


class RefreshToken(AbstractRefreshToken):
    """A refresh token: its hash, its family, and what its use produced.

    `replay_sealed` is the whole answer that the first use received, sealed under the token
    itself, so that a lost answer can be repeated within the replay window while the database
    alone reveals nothing. `replay_digest` says for which scope and resource it was given.
    """

    id: models.UUIDField[uuid.UUID, uuid.UUID] = models.UUIDField(
        primary_key=True, default=uuid7, editable=False
    )
    family = models.ForeignKey(TokenFamily, on_delete=models.CASCADE, related_name="refresh_tokens")
    token_checksum = models.CharField(max_length=64, help_text="SHA-256 of the token, hex.")
    jti = models.UUIDField(help_text="Ledger row of the access token issued beside it.")
    created = models.DateTimeField(default=clock.now, editable=False)
    expires = models.DateTimeField()
    consumed_at = models.DateTimeField(null=True, blank=True)
    successor = models.UUIDField(null=True, blank=True)
    replay_digest = models.CharField(max_length=64, blank=True, default="")
    replay_sealed = models.BinaryField(null=True, blank=True)
    token = None
    token_family = None
    user = None
    application = None
    access_token = None
    resource = None
    updated = None
    revoked = None

    class Meta:
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["expires"], name="refresh_expiry")
        ]
        # Not `unique=True`, for which Django keeps a second index that serves LIKE.
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["token_checksum"], name="refresh_once")
        ]

    def __str__(self) -> str:
        return f"refresh token {self.pk}"
