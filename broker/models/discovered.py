"""What discovery finds out about the authorization server behind a remote MCP server."""

from __future__ import annotations

from typing import Any

from django.db import models


class Discovered(models.Model):
    """The authorization server behind one MCP server, and our client there.

    Rediscovery replaces what was discovered and never the client: `client_id` and what belongs to
    it stay until the authorization server's issuer changes.
    """

    url = models.TextField(blank=True, default="", help_text="The server that was asked.")
    resource_identifier = models.TextField(blank=True, default="")
    issuer = models.TextField(blank=True, default="")
    authorization_endpoint = models.TextField(blank=True, default="")
    token_endpoint = models.TextField(blank=True, default="")
    registration_endpoint = models.TextField(blank=True, default="")
    revocation_endpoint = models.TextField(blank=True, default="")
    scopes: models.JSONField[Any, Any] = models.JSONField(default=list)
    auth_methods: models.JSONField[Any, Any] = models.JSONField(
        default=list, blank=True, help_text="How clients say who they are at its token endpoint."
    )
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
    client_expires_at = models.DateTimeField(
        null=True, blank=True, help_text="When its secret ends. NULL: it does not."
    )
    secret_sealed = models.BinaryField(null=True, blank=True)
    token_endpoint_auth_method = models.CharField(max_length=64, blank=True, default="none")
    registration_sealed = models.BinaryField(
        null=True, blank=True, help_text="Registration access token and management URL."
    )

    class Meta:
        abstract = True
