"""The configuration as one document."""

from __future__ import annotations

from typing import Final

from authplane.core.openapi.shapes import (
    ANY_OBJECT,
    COUNT,
    TEXT,
    Schema,
    by_name,
    many,
    members,
    said,
)

SECTIONS: Final = (
    "broker_providers", "clients", "resources", "fronting_links", "oauth_proxies",
    "access_groups", "identity_providers", "idps", "xaa_policies", "workload_issuers",
    "assertion_audiences",
)  # fmt: skip
SETTINGS: Final = ("dcr", "limits", "notices", "approvals")
FORMAT: Final[Schema] = {"type": "integer", "const": 1}
DOCUMENT: Final[dict[str, Schema]] = {
    "secrets_left_out": said(many(TEXT), "`<section>.<name>.secret`: stored, and not in here."),
    "settings": members(
        {},
        {name: many(ANY_OBJECT) if name == "notices" else ANY_OBJECT for name in SETTINGS},
        about="What operators change while the server runs.",
    ),
    **dict.fromkeys(SECTIONS, said(many(ANY_OBJECT), "With the members of seeds.")),
}

SCHEMAS: Final[dict[str, Schema]] = {
    "Configuration": members({"format": FORMAT}, DOCUMENT),
    "AppliedConfiguration": members(
        {
            "created": said(many(TEXT), "`<section>.<name>`."),
            "changed": said(many(TEXT), "`<section>.<name>`."),
            "unchanged": COUNT,
        },
        {"secrets": said(by_name(TEXT), "Of new clients by their ids: shown this once.")},
    ),
}
