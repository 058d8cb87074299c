"""Where an issuer keeps its keys, by its own discovery document."""

from __future__ import annotations

from typing import Final

from authplane.core.config import config
from oauth.clients import fetching
from oauth.federation.keys import KeysRejected

MAX_BYTES: Final = 256 * 1024
PLACE: Final = "/.well-known/openid-configuration"


def discover_jwks_uri(issuer: str) -> str:
    """The `jwks_uri` that the issuer publishes about itself.

    Spec: OpenID Connect Discovery 1.0 sections 4.1 and 4.3 (MUST: the document's `issuer` is the
    one that was asked), as SEP-1933 wants it.
    Raises: KeysRejected with what is wrong with the document; fetching.Unavailable.
    """
    try:
        answer = fetching.fetch_published(
            issuer.rstrip("/") + PLACE,
            max_bytes=MAX_BYTES,
            private_hosts=config().xaa.allowed_private_hosts,
        )
    except fetching.Rejected as refusal:
        raise KeysRejected(str(refusal)) from None
    document = answer.json
    if not isinstance(document, dict) or document.get("issuer") != issuer:
        raise KeysRejected("the discovery document is another issuer's")
    found = document.get("jwks_uri")
    if not isinstance(found, str) or not found:
        raise KeysRejected("the discovery document names no jwks_uri")
    return found
