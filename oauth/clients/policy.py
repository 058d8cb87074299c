"""What clients may be: how they prove themselves, which grants they hold, how far scopes reach."""

from collections.abc import Collection
from typing import Final

from authplane.core.areas.protocol import Features
from authplane.core.config import config

ASSERTION_ALGORITHMS: Final = ("ES256", "ES384", "EdDSA", "RS256", "PS256")
"""Signatures accepted from clients, all asymmetric.

Spec: RFC 8725 section 3.1 (the algorithm is chosen by us); RFC 9700 section 2.5.
"""

SECRET_METHODS: Final = frozenset({"client_secret_basic", "client_secret_post"})
KEY_METHOD: Final = "private_key_jwt"
CERTIFICATE_METHOD: Final = "tls_client_auth"
AUTH_METHODS: Final = (
    "none",
    "client_secret_basic",
    "client_secret_post",
    KEY_METHOD,
    CERTIFICATE_METHOD,
)
DOCUMENT_AUTH_METHODS: Final = ("none", KEY_METHOD, CERTIFICATE_METHOD)
"""A public document cannot hold a secret."""

USER_GRANTS: Final = frozenset({"authorization_code", "refresh_token"})
TOKEN_EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105 - a name
JWT_BEARER: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SWITCHES: Final = {
    "client_credentials": "AUTHPLANE_CLIENT_CREDENTIALS_ENABLED",
    TOKEN_EXCHANGE: "AUTHPLANE_TOKEN_EXCHANGE_ENABLED",
    JWT_BEARER: "AUTHPLANE_XAA_ENABLED",
}
"""Grants that can be switched off, and the variable that does it."""


def enabled_grants(features: Features | None = None) -> frozenset[str]:
    """The grant types this server answers at present, or would with these switches."""
    features = features or config().features
    switches = {
        "client_credentials": features.client_credentials,
        TOKEN_EXCHANGE: features.token_exchange,
        JWT_BEARER: features.xaa,
    }
    return USER_GRANTS | {name for name, enabled in switches.items() if enabled}


def initial_ceiling(grant_types: Collection[str]) -> str:
    """The scope ceiling of a client that registered itself.

    The default is for clients that act with a user in the loop. One that can act alone gets none,
    and with none a machine gets no scope at all: only an administrator can widen that.
    """
    return config().oauth.default_client_scope if set(grant_types) <= USER_GRANTS else ""
