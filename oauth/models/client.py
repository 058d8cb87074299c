"""The OAuth client: who asks for tokens, how it proves itself, what it may ask for."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.db import models
from oauth2_provider.models import AbstractApplication

from authplane.core import clock
from authplane.core.hashing import new_secret
from authplane.core.ids import uuid7


def default_grant_types() -> list[str]:
    """What a client may use when it does not say."""
    return ["authorization_code", "refresh_token"]


def default_response_types() -> list[str]:
    """The only response type there is."""
    return ["code"]


def new_client_id() -> str:
    """A client id of 128 random bits, 22 characters."""
    # A dash in front would be taken for an option wherever the id is typed at a command line.
    drawn = new_secret(16)
    return f"c{drawn[1:]}" if drawn.startswith("-") else drawn


class Client(AbstractApplication):
    """A registered client. Public means: authenticates with `none`, holds no secret and no key.

    `issuer` is empty for clients of this server's own issuer, which so survives a change of the
    public URL, and the issuer's path below it for every other issuer served from these tables.
    """

    class Status(models.TextChoices):
        """Whether the client may be used: `pending` waits for approval, `revoked` is final."""

        ACTIVE = "active"
        PENDING = "pending"
        SUSPENDED = "suspended"
        REVOKED = "revoked"

    class Source(models.TextChoices):
        """How the client came to be known."""

        ADMIN = "admin"
        DCR = "dcr"
        CIMD = "cimd"

    id: models.UUIDField[uuid.UUID, uuid.UUID] = models.UUIDField(
        primary_key=True, default=uuid7, editable=False
    )
    issuer = models.CharField(max_length=255, blank=True, default="")
    client_id = models.CharField(max_length=512, default=new_client_id)
    client_secret = models.CharField(
        max_length=255,
        blank=True,
        default="",
        help_text="Keyed digest, never the secret.",
    )
    previous_secret = models.CharField(max_length=255, blank=True, default="")
    previous_secret_expires_at = models.DateTimeField(null=True, blank=True)
    authorization_grant_type = models.CharField(max_length=44, default="authorization-code")
    grant_types = models.JSONField(default=default_grant_types)
    response_types = models.JSONField(default=default_response_types)
    token_endpoint_auth_method = models.CharField(max_length=64, default="none")
    token_endpoint_auth_signing_alg = models.CharField(max_length=16, blank=True, default="")
    client_jwks = models.JSONField(null=True, blank=True)
    client_jwks_uri = models.CharField(max_length=2048, blank=True, default="")
    scope = models.TextField(
        blank=True, default="", help_text="Ceiling: space-separated scopes. Empty: no ceiling."
    )
    application_type = models.CharField(  # noqa: DJ001 - NULL: the client did not say
        max_length=16, null=True, blank=True, default=None
    )
    is_agent = models.BooleanField(default=False)
    agent_description = models.CharField(max_length=255, blank=True, default="")
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.ACTIVE)
    registration_source = models.CharField(
        max_length=32, choices=Source.choices, default=Source.ADMIN
    )
    registration_token = models.CharField(
        max_length=64, blank=True, default="", help_text="SHA-256 of the registration access token."
    )
    software_id = models.CharField(max_length=255, blank=True, default="")
    metadata = models.JSONField(
        default=dict, blank=True, help_text="Further registered members, as the client sent them."
    )
    cimd_fingerprint = models.CharField(
        max_length=64, blank=True, default="", help_text="Of redirect URIs, name and keys."
    )
    dpop_bound_access_tokens = models.BooleanField(
        default=False, help_text="Every token request must carry a DPoP proof."
    )
    require_pushed_authorization_requests = models.BooleanField(default=False)
    require_signed_request_object = models.BooleanField(default=False)
    request_object_signing_alg = models.CharField(max_length=16, blank=True, default="")
    tls_client_auth = models.JSONField(
        null=True,
        blank=True,
        help_text="The one subject value that certificates must have, by its metadata name: "
        '{"tls_client_auth_san_dns": "client.example.com"}.',
    )
    tls_client_certificate_bound_access_tokens = models.BooleanField(default=False)
    version = models.PositiveIntegerField(default=1)
    created = models.DateTimeField(default=clock.now, editable=False)

    class Meta(AbstractApplication.Meta):
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["issuer", "client_id"], name="client_unique_per_issuer")
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["registration_source", "created"], name="client_source"),
            models.Index(fields=["status", "created"], name="client_status"),
        ]

    def __str__(self) -> str:
        return self.name or self.client_id

    @property
    def is_public(self) -> bool:
        """Nothing but its id identifies the client."""
        return self.token_endpoint_auth_method == "none"  # noqa: S105 - a method, no secret

    @property
    def redirect_uri_list(self) -> list[str]:
        """The registered redirect URIs in order."""
        return str(self.redirect_uris).split()

    @property
    def scope_ceiling(self) -> frozenset[str]:
        """Scopes it may ever ask for; empty means that no ceiling was set."""
        return frozenset(self.scope.split())

    def allows_grant_type(self, *grant_types: str) -> bool:
        """One of these grants is among the client's, in the wire's spelling or the toolkit's."""
        held = {name.replace("-", "_") for name in self.grant_types}
        return any(name.replace("-", "_") in held for name in grant_types)
