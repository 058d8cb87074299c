"""Keys in one file of a mounted directory, their private parts sealed with the data key.

The file is replaced as a whole, so that a reader sees the keys before a change or after it.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import fcntl
import json
import os
import secrets
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from authplane.core import crypto
from oauth.keys.database import open_private_part, seal_private_part
from oauth.keys.record import KeyRecord, KeyUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE: Final = "signing-keys.json"
LOCK_FILE: Final = ".signing-keys.lock"
FORMAT: Final = 1
DATES: Final = ("created_at", "activates_at", "expires_at", "withdrawn_at")

Entries = dict[str, dict[str, Any]]


class KeyFileStore:
    """The driver ``keyfile``. Replicas share the directory or have exactly one member."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / FILE

    def read(self) -> list[KeyRecord]:
        """All keys of the file; none when there is no file yet.

        Raises: KeyUnavailable.
        """
        return [_record(kid, entry) for kid, entry in self._entries().items()]

    def private_part(self, kid: str) -> bytes:
        """The opened private part.

        Raises: KeyUnavailable.
        """
        sealed = self._entries().get(kid, {}).get("private_sealed", "")
        return open_private_part(base64.b64decode(sealed), kid=kid)

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[None]:
        """The lock file is held. The system frees it when the process dies.

        Raises: KeyUnavailable when the directory cannot be written.
        """
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self.folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise KeyUnavailable(
                f"{self.folder} cannot be written: {error.strerror}; see AUTHPLANE_SIGNING_KEY_PATH"
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def add(self, key: KeyRecord, *, private: bytes) -> None:
        """An entry more."""
        entries = self._entries()
        entries[key.kid] = _dated(key) | {
            "algorithm": key.algorithm,
            "public_jwk": key.public_jwk,
            "private_sealed": _text(seal_private_part(private, kid=key.kid)),
        }
        self._write(entries)

    def redate(self, key: KeyRecord) -> None:
        """The dates are stored."""
        entries = self._entries()
        entries[key.kid] |= _dated(key)
        self._write(entries)

    def forget_private_parts(self, kids: list[str]) -> int:
        """The sealed parts are gone from the file."""
        entries = self._entries()
        holding = [kid for kid in kids if entries.get(kid, {}).get("private_sealed")]
        for kid in holding:
            entries[kid]["private_sealed"] = ""
        if holding:
            self._write(entries)
        return len(holding)

    def rewrap(self) -> int:
        """Entries sealed with the old data key are sealed with the present one."""
        changed = 0
        with self.exclusive():
            entries = self._entries()
            for kid, entry in entries.items():
                sealed = base64.b64decode(entry["private_sealed"])
                if sealed and crypto.needs_rewrap(sealed):
                    private = open_private_part(sealed, kid=kid)
                    entry["private_sealed"] = _text(seal_private_part(private, kid=kid))
                    changed += 1
            if changed:
                self._write(entries)
        return changed

    def _entries(self) -> Entries:
        try:
            document = json.loads(self.file.read_text(encoding="utf-8"))
            if document["format"] != FORMAT:
                raise KeyUnavailable(f"{self.file} has a format of another release")
            entries: Entries = document["keys"]
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise KeyUnavailable(
                f"{self.file} cannot be read: {error.strerror}; see AUTHPLANE_SIGNING_KEY_PATH"
            ) from error
        except (ValueError, KeyError, TypeError) as error:
            raise KeyUnavailable(f"{self.file} does not hold signing keys") from error
        return entries

    def _write(self, entries: Entries) -> None:
        """The file holds exactly ``entries``, on the disk, readable by its owner alone."""
        draft = self.folder / f".{FILE}.{secrets.token_hex(8)}"
        try:
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump({"format": FORMAT, "keys": entries}, file, indent=1)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self.file)
        except OSError as error:
            with contextlib.suppress(OSError):
                draft.unlink()
            raise KeyUnavailable(f"{self.file} cannot be written: {error.strerror}") from error


def _record(kid: str, entry: dict[str, Any]) -> KeyRecord:
    try:
        dates = {
            name: None if entry[name] is None else datetime.fromisoformat(entry[name])
            for name in DATES
        }
        return KeyRecord(
            kid=kid,
            algorithm=entry["algorithm"],
            public_jwk=entry["public_jwk"],
            **dates,  # type: ignore[arg-type] # the first two are never None in a file of ours
        )
    except (KeyError, TypeError, ValueError) as error:
        raise KeyUnavailable(f"the file of signing keys is damaged at key {kid}") from error


def _dated(key: KeyRecord) -> dict[str, Any]:
    values = dataclasses.asdict(key)
    return {name: values[name].isoformat() if values[name] else None for name in DATES}


def _text(sealed: bytes) -> str:
    return base64.b64encode(sealed).decode("ascii")
