"""Data keys as they are configured, opened: in clear by whoever runs this, or by a Vault.

What is stored is always sealed here, with a key in memory. A Vault unwraps that key once in the
life of a process, so that no token, page or vended credential ever waits for it.
"""

from __future__ import annotations

import threading
import time
from typing import Final, Protocol

from authplane.core import metrics
from authplane.core.areas.vault import LOCAL, TRANSIT
from authplane.core.config import config
from authplane.core.transit import TransitClient, VaultError

KEY_BYTES: Final = 32
WRAPPED: Final = "vault:"
SECONDS_BETWEEN_TRIES: Final = 5.0
"""A Vault that failed is left alone for so long: a queue of requests must not wait one by one."""


class DataKeyUnavailable(Exception):
    """A configured data key cannot be opened. The text is for operators, and holds no secret."""


class VaultDriver(Protocol):
    """Who keeps data keys. ``name`` is what metrics call the driver."""

    name: str

    def open_key(self, text: str) -> bytes:
        """The key of 32 bytes behind what is configured.

        Raises: DataKeyUnavailable.
        """


class LocalKeys:
    """The driver ``aes_master``: what is configured is the key, in hexadecimal digits."""

    name = LOCAL

    def open_key(self, text: str) -> bytes:
        """The digits as bytes."""
        return bytes.fromhex(text)


class TransitKeys:
    """The driver ``vault_transit_encrypt``: what is configured is what Vault wrapped."""

    name = TRANSIT

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._opened: dict[str, bytes] = {}
        self._failed: dict[str, tuple[float, str]] = {}

    def open_key(self, text: str) -> bytes:
        """The key, unwrapped once. Whoever else needs it meanwhile waits for that one call.

        Raises: DataKeyUnavailable, without another call for a few seconds after a failure.
        """
        if key := self._opened.get(text):
            return key
        with self._lock:
            if key := self._opened.get(text):
                return key
            failed_at, reason = self._failed.get(text, (0.0, ""))
            if reason and time.monotonic() - failed_at < SECONDS_BETWEEN_TRIES:
                raise DataKeyUnavailable(reason)
            try:
                key = self._unwrap(text)
            except DataKeyUnavailable as error:
                self._failed[text] = (time.monotonic(), str(error))
                raise
            self._opened[text] = key
            self._failed.pop(text, None)
            return key

    def forget(self) -> None:
        """Nothing is known any more."""
        with self._lock:
            self._opened.clear()
            self._failed.clear()

    def _unwrap(self, text: str) -> bytes:
        started = time.perf_counter()
        labels = {"driver": self.name, "operation": "decrypt"}
        try:
            key = TransitClient(config().data_keys).decrypt(text)
        except VaultError as error:
            metrics.counter("authserver_encrypt_errors_total").labels(
                **labels, error_type="vault_request"
            ).inc()
            raise DataKeyUnavailable(
                f"the data key cannot be unwrapped: {error}. See AUTHPLANE_DATA_ENCRYPTION_VAULT_*"
            ) from None
        if len(key) != KEY_BYTES:
            raise DataKeyUnavailable("what Vault unwrapped is no key of 256 bits")
        metrics.histogram("authserver_encrypt_duration_seconds").labels(**labels).observe(
            time.perf_counter() - started
        )
        return key


_local: Final = LocalKeys()
_transit: Final = TransitKeys()


def driver_of(text: str) -> VaultDriver:
    """Who opens this key. Its form says so: beside a new driver the old key stays readable."""
    return _transit if text.startswith(WRAPPED) else _local


def open_data_key(text: str) -> bytes:
    """The key behind a configured text.

    Raises: DataKeyUnavailable.
    """
    return driver_of(text).open_key(text)


def forget_opened() -> None:
    """Keys are opened anew. For tests: what is configured never changes in a running process."""
    _transit.forget()
