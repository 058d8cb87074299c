"""Keys in the database, their private parts sealed with the data key."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from django.db import connection, transaction

from authplane.core import crypto
from authplane.core.crypto import CryptoError
from oauth.keys.record import KeyRecord, KeyUnavailable
from oauth.models import SigningKey

if TYPE_CHECKING:
    from collections.abc import Iterator

LOCK: Final = 0x61_75_74_68_6B_65_79_73
"""Advisory lock: before the first key there is no row that could be locked."""

FIELDS: Final = (
    "kid", "algorithm", "public_jwk", "created_at", "activates_at", "expires_at", "withdrawn_at",
)  # fmt: skip


def sealing_context(kid: str) -> str:
    """What binds a sealed private part to its key, so that it opens nowhere else."""
    return f"signing_key:{kid}:private"


class DatabaseKeyStore:
    """The driver ``database``: all replicas read one table."""

    def read(self) -> list[KeyRecord]:
        """All keys, without their private parts."""
        return [KeyRecord(**row) for row in SigningKey.objects.values(*FIELDS)]

    def private_part(self, kid: str) -> bytes:
        """The opened private part.

        Raises: KeyUnavailable.
        """
        sealed = SigningKey.objects.filter(kid=kid).values_list("private_sealed", flat=True).first()
        return open_private_part(bytes(sealed or b""), kid=kid)

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """A transaction that holds the lock of key changes until its end.

        SQLite needs no lock: its transactions begin IMMEDIATE, so that there is one writer.
        """
        with transaction.atomic():
            if connection.vendor == "postgresql":
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
            yield

    def add(self, key: KeyRecord, *, private: bytes) -> None:
        """A row more."""
        SigningKey.objects.create(
            private_sealed=seal_private_part(private, kid=key.kid),
            **{name: getattr(key, name) for name in FIELDS},
        )

    def redate(self, key: KeyRecord) -> None:
        """The dates are stored."""
        SigningKey.objects.filter(kid=key.kid).update(
            activates_at=key.activates_at,
            expires_at=key.expires_at,
            withdrawn_at=key.withdrawn_at,
        )

    def forget_private_parts(self, kids: list[str]) -> int:
        """The sealed parts are overwritten by nothing."""
        holding = SigningKey.objects.filter(kid__in=kids).exclude(private_sealed=b"")
        return holding.update(private_sealed=b"")

    def rewrap(self) -> int:
        """Rows sealed with the old data key are sealed with the present one."""
        changed = 0
        with self.exclusive():
            rows: Any = SigningKey.objects.exclude(private_sealed=b"")
            for row in rows:
                sealed = bytes(row.private_sealed)
                if not crypto.needs_rewrap(sealed):
                    continue
                private = open_private_part(sealed, kid=row.kid)
                row.private_sealed = seal_private_part(private, kid=row.kid)
                row.save(update_fields=["private_sealed"])
                changed += 1
        return changed


def seal_private_part(private: bytes, *, kid: str) -> bytes:
    """The private part under the present data key.

    Raises: KeyUnavailable when no data key is configured.
    """
    try:
        return crypto.seal(private, context=sealing_context(kid))
    except CryptoError as error:
        raise KeyUnavailable(
            f"cannot seal a signing key: {error}; set AUTHPLANE_DATA_ENCRYPTION_KEY"
        ) from error


def open_private_part(sealed: bytes, *, kid: str) -> bytes:
    """The private part behind its seal.

    Raises: KeyUnavailable, saying what the operator can do.
    """
    if not sealed:
        raise KeyUnavailable(f"the private part of signing key {kid} is no longer kept")
    try:
        return crypto.open_sealed(sealed, context=sealing_context(kid))
    except CryptoError as error:
        raise KeyUnavailable(
            f"signing key {kid} cannot be opened: {error}. AUTHPLANE_DATA_ENCRYPTION_KEY (or"
            " AUTHPLANE_DATA_ENCRYPTION_KEY_OLD) must be the key it was sealed with. If that key"
            " is lost, run: manage.py rotate_keys --immediate"
        ) from error
