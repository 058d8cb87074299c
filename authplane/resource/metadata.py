"""The document in which a resource says who issues tokens for it (RFC 9728). Pure."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from .config import Protection

WELL_KNOWN: Final = "/.well-known/oauth-protected-resource"


def metadata_url(resource: str) -> str:
    """Where the document lies: the well-known part goes between host and path.

    Spec: RFC 9728 section 3.1 (a slash that ends the host is dropped first).
    """
    parts = urlsplit(resource)
    path = "" if parts.path == "/" else parts.path
    return urlunsplit((parts.scheme, parts.netloc, WELL_KNOWN + path, parts.query, ""))


def metadata_path(resource: str) -> str:
    """The path of that address."""
    return urlsplit(metadata_url(resource)).path


def document(protection: Protection) -> dict[str, Any]:
    """The document; absent rather than empty members.

    `resource` and the issuer are the configured strings byte for byte: clients compare them.

    Spec: RFC 9728 section 2.
    """
    has_dpop = protection.dpop != "off"
    offered = protection.scopes_supported or protection.scopes
    members: dict[str, Any] = {
        "resource": protection.resource,
        "authorization_servers": [protection.issuer],
        # A resource does not ask for refresh tokens; clients ask their server for those.
        "scopes_supported": [name for name in offered if name != "offline_access"],
        "bearer_methods_supported": ["header"],
        "resource_name": protection.name,
        "resource_documentation": protection.documentation,
        "dpop_signing_alg_values_supported": list(protection.algorithms) if has_dpop else [],
        "dpop_bound_access_tokens_required": protection.dpop == "required",
    }
    return {name: value for name, value in members.items() if value}
