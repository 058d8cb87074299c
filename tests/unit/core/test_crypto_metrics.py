"""Sealing is counted and timed."""

from __future__ import annotations

import pytest
from prometheus_client import REGISTRY

from authplane.core.crypto import CryptoError, open_sealed, seal

PLACE = "table:row:column"


def value_of(name, **labels):
    return REGISTRY.get_sample_value(name, {"driver": "aes_master", **labels}) or 0


@pytest.mark.shows("metric", "authserver_encrypt_duration_seconds")
@pytest.mark.parametrize("operation", ["encrypt", "decrypt"])
def test_each_operation_is_timed(operation):
    name = "authserver_encrypt_duration_seconds_count"
    before = value_of(name, operation=operation)

    open_sealed(seal(b"x", context=PLACE), context=PLACE)

    assert value_of(name, operation=operation) == before + 1


@pytest.mark.shows("metric", "authserver_encrypt_errors_total")
def test_each_failure_is_counted():
    labels = {"operation": "decrypt", "error_type": "CryptoError"}
    before = value_of("authserver_encrypt_errors_total", **labels)

    for blob in (b"", seal(b"x", context="elsewhere")):
        with pytest.raises(CryptoError):
            open_sealed(blob, context=PLACE)

    assert value_of("authserver_encrypt_errors_total", **labels) == before + 2
