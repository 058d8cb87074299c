"""How callers of the public listener prove who they are."""

from __future__ import annotations

from typing import Final

from authplane.core.config import config
from authplane.core.openapi.shapes import Schema

BASIC: Final = "clientBasic"
IN_BODY: Final = "clientInBody"
ACCESS_TOKEN: Final = "accessToken"  # noqa: S105 - a name
BOUND_TOKEN: Final = "boundToken"  # noqa: S105 - a name
REGISTRATION: Final = "registrationToken"
SESSION: Final = "session"

CLIENT: Final = (BASIC, IN_BODY)


def schemes() -> dict[str, Schema]:
    """The security schemes by name."""
    return {
        BASIC: {
            "type": "http",
            "scheme": "basic",
            "description": "`client_secret_basic`: client id and secret, each percent-encoded.",
        },
        IN_BODY: {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "No header: the client proves itself in the body, with `client_secret`, "
            "a `client_assertion` (`private_key_jwt`), or as a public client with its `client_id` "
            "alone. Exactly one method, the registered one.",
        },
        ACCESS_TOKEN: {"type": "http", "scheme": "bearer", "bearerFormat": "at+jwt"},
        BOUND_TOKEN: {
            "type": "http",
            "scheme": "dpop",
            "description": "An access token that is bound to a key, with a proof in `DPoP` "
            "(RFC 9449 section 7.1).",
        },
        REGISTRATION: {
            "type": "http",
            "scheme": "bearer",
            "description": "`registration_access_token` (RFC 7592).",
        },
        SESSION: {
            "type": "apiKey",
            "in": "cookie",
            "name": config().session.cookie_name,
            "description": "The session of a person who is signed in.",
        },
    }
