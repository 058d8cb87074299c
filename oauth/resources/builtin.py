"""This server as a resource of its own: what userinfo accepts tokens for."""

from __future__ import annotations

from typing import Any, Final

SLUG: Final = "account"

FIELDS: Final[dict[str, Any]] = {
    "display_name": "Account",
    "backend_kind": "issuer",
    "scopes": [
        {"name": "openid", "description": "Know who you are.", "default": True},
        {"name": "email", "description": "See your e-mail address."},
    ],
}


def ensure_issuer_resource(resources: Any) -> None:
    """The row exists. What operators changed about it stays. ``resources`` is its manager."""
    if not resources.filter(backend_kind="issuer").exists():
        resources.create(slug=SLUG, **FIELDS)
