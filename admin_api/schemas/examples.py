"""Examples of bodies and answers, by the names of their schemas."""

from __future__ import annotations

from typing import Any, Final

USER_ID: Final = "01890a5d-ac96-774b-bcce-b302099a8057"
MOMENT: Final = "2026-03-14T09:26:53Z"

BODIES: Final[dict[str, Any]] = {
    "NewUser": {"email": "ada@example.com", "password": "a long passphrase", "name": "Ada"},
    "UserChange": {"name": "Ada Lovelace"},
    "NewClient": {
        "client_name": "Calendar agent",
        "redirect_uris": ["https://agent.example.com/callback"],
        "grant_types": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_method": "client_secret_basic",
        "scope": "calendar.read",
    },
    "RotateSecret": {"overlap": 3600},
    "NewResource": {
        "slug": "calendar",
        "uri": "https://calendar.example.com/mcp",
        "display_name": "Calendar",
        "scopes": [{"name": "calendar.read", "description": "Read events", "default": True}],
    },
    "PolicyMember": {"client_id": "calendar-agent"},
    "ReturnUrl": {"url": "https://app.example.com/connected"},
    "NewBrokerProvider": {
        "slug": "github",
        "preset": "github",
        "config_data": {"client_id": "Iv1.0123456789abcdef"},
        "secret": "the secret from there",
    },
}
ANSWERS: Final[dict[str, Any]] = {
    "User": {
        "id": USER_ID,
        "email": "ada@example.com",
        "name": "Ada",
        "role": "user",
        "status": "active",
        "provider": "local",
        "created_at": MOMENT,
    },
    "Status": {"status": "active"},
    "ClientSecret": {"client_id": USER_ID, "client_secret": "shown here and never again"},
}
