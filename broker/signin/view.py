"""Identity providers and who signs in with them, as operators see them wherever they look."""

from __future__ import annotations

from typing import Any

from authplane.core import clock
from broker.models import FederatedIdentity, IdentityProvider
from broker.signin.providers import is_enabled, redirect_uri, signed_out_uri
from broker.signin.secrets import CONFIGURED


def shown_provider(row: IdentityProvider) -> dict[str, Any]:
    """The members of a provider, and what has to be registered there. Of a secret only that it is.

    `enabled` is whether people may sign in with it now.
    """
    return {
        "id": str(row.pk),
        "slug": row.slug,
        "display_name": row.display_name,
        "issuer": row.issuer,
        "client_id": row.client_id,
        "has_secret": row.secret_sealed is not None,
        "secret_ref": row.secret_ref,
        "token_endpoint_auth_method": row.token_endpoint_auth_method,
        "scopes": row.scopes,
        "include_groups_scope": row.include_groups_scope,
        "connector_id": row.connector_id,
        "allowed_domains": row.allowed_domains,
        "groups_claim": row.groups_claim,
        "role_map": row.role_map,
        "enabled": is_enabled(row),
        "from_settings": row.slug == CONFIGURED,
        "redirect_uri": redirect_uri(row.slug),
        "post_logout_redirect_uri": signed_out_uri(),
        "version": row.version,
    }


def shown_identity(row: FederatedIdentity) -> dict[str, Any]:
    """Which subject is which user, in which groups when last seen."""
    return {
        "id": str(row.pk),
        "provider": row.provider.slug,
        "subject": row.subject,
        "user_id": str(row.user_id),
        "groups": row.groups,
        "role": row.user.role,
        "created_at": clock.as_text(row.created_at),
        "last_seen_at": clock.as_text(row.last_seen_at),
    }
