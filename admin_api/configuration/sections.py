"""Which sections the document has, in the order in which one refers to the other."""

from __future__ import annotations

from typing import Final

from authplane.core.seeding import Portable, Section, registered_sections
from oauth.clients.seeds import CLIENTS
from oauth.federation.seeds import WORKLOAD_ISSUERS
from oauth.resources.seeds import FRONTING_LINKS, RESOURCES
from oauth.xaa.audience_seeds import ASSERTION_AUDIENCES
from oauth.xaa.seeds import IDPS, XAA_POLICIES

FORMAT: Final = 1
LEFT_OUT: Final = "secrets_left_out"
SETTINGS: Final = "settings"
ABOUT: Final = ("format", LEFT_OUT)
"""What the document says about itself."""

_ORDER: Final = (
    "broker_providers", "clients", "resources", "fronting_links", "oauth_proxies",
    "access_groups", "identity_providers",
)  # fmt: skip


def sections() -> dict[str, tuple[Section, Portable]]:
    """Sections by name. Those of single users (connections, API keys, mappings) are not in it."""
    known: dict[str, Section] = {
        **{name: section for name, (section, _) in registered_sections().items()},
        "clients": CLIENTS, "resources": RESOURCES, "fronting_links": FRONTING_LINKS,
        "idps": IDPS, "xaa_policies": XAA_POLICIES, "workload_issuers": WORKLOAD_ISSUERS,
        "assertion_audiences": ASSERTION_AUDIENCES,
    }  # fmt: skip
    ordered = [*_ORDER, *(name for name in known if name not in _ORDER)]
    return {
        name: (section, section.portable)
        for name in ordered
        if (section := known.get(name)) is not None and section.portable is not None
    }
