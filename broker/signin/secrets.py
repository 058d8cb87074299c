"""The client secret at an identity provider: sealed with its row, referred to, or configured."""

from __future__ import annotations

import uuid
from typing import Final

from authplane.core.config import config
from authplane.core.crypto import CryptoError
from broker.errors import SecretUnavailable
from broker.models import IdentityProvider
from broker.providers.secrets import referred_secret
from broker.vault.sealing import open_text, seal_text

CONFIGURED: Final = "oidc"
"""The slug of the provider that the settings describe."""

TABLE: Final = "broker_identityprovider"
COLUMN: Final = "secret_sealed"


def seal_secret(row: IdentityProvider, secret: str) -> bytes:
    """The secret as the row keeps it. Raises: CryptoError without a data key."""
    return seal_text(secret, table=TABLE, row=row.pk, column=COLUMN)


def open_secret(row: uuid.UUID, *, slug: str, sealed: bytes | None, reference: str) -> str:
    """The secret; empty when there is none, which makes us a public client there.

    Raises: SecretUnavailable, which names the place and never the value.
    """
    if slug == CONFIGURED and config().oidc.client_secret:
        return config().oidc.client_secret
    if sealed is None:
        return referred_secret(reference) if reference else ""
    try:
        return open_text(sealed, table=TABLE, row=row, column=COLUMN)
    except CryptoError as error:
        raise SecretUnavailable(f"the stored secret cannot be opened: {error}") from error
