"""The secret of a registration: stored sealed with it, or found where its configuration says."""

from __future__ import annotations

import os
from pathlib import Path
from uuid import UUID

from authplane.core.crypto import CryptoError
from broker.errors import SecretUnavailable
from broker.models import BrokerProvider
from broker.providers.configuration import SECRET_NAME
from broker.vault.sealing import open_text, seal_text

TABLE = "broker_brokerprovider"
COLUMN = "secret_sealed"
MAX_FILE = 64 * 1024


def seal_secret(provider: BrokerProvider, secret: str) -> bytes:
    """The secret as the provider's row keeps it. Raises: CryptoError without a data key."""
    return seal_text(secret, table=TABLE, row=provider.pk, column=COLUMN)


def open_secret(row: UUID, sealed: bytes | None, *, reference: str) -> str:
    """The stored secret, else the one that ``reference`` names; empty when there is neither.

    Raises: SecretUnavailable, which names the place and never the value.
    """
    if sealed is not None:
        try:
            return open_text(sealed, table=TABLE, row=row, column=COLUMN)
        except CryptoError as error:
            raise SecretUnavailable(f"the stored secret cannot be opened: {error}") from error
    return referred_secret(reference) if reference else ""


def referred_secret(reference: str) -> str:
    """The value of the variable, or of the file that the variable with `_FILE` names.

    The name is checked again although it was when it was written: rows can be written by others.

    Raises: SecretUnavailable.
    """
    if not SECRET_NAME.fullmatch(reference):
        raise SecretUnavailable("the reference is not one that may be read")
    if value := os.environ.get(reference):
        return value
    if not (path := os.environ.get(f"{reference}_FILE")):
        raise SecretUnavailable(f"neither {reference} nor {reference}_FILE is set")
    try:
        with Path(path).open("rb") as file:
            content = file.read(MAX_FILE + 1)
        text = content.decode().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SecretUnavailable(f"the file of {reference}_FILE cannot be read") from error
    if not text or len(content) > MAX_FILE:
        raise SecretUnavailable(f"the file of {reference}_FILE is empty or too large")
    return text
