"""Where a provider's secret comes from."""

from __future__ import annotations

import uuid

import pytest

from broker.errors import SecretUnavailable
from broker.models import BrokerProvider
from broker.providers.secrets import MAX_FILE, open_secret, referred_secret, seal_secret


def test_a_stored_secret_opens_in_its_own_row_alone():
    row = BrokerProvider()
    sealed = seal_secret(row, "hush")
    assert b"hush" not in sealed
    assert open_secret(row.pk, sealed, reference="") == "hush"
    with pytest.raises(SecretUnavailable):
        open_secret(uuid.uuid4(), sealed, reference="")


def test_a_stored_secret_counts_before_a_reference(monkeypatch):
    monkeypatch.setenv("CONNECTOR_X", "other")
    row = BrokerProvider()
    assert open_secret(row.pk, seal_secret(row, "hush"), reference="CONNECTOR_X") == "hush"
    assert open_secret(row.pk, None, reference="CONNECTOR_X") == "other"
    assert open_secret(row.pk, None, reference="") == ""


@pytest.mark.parametrize(
    "name",
    ["PATH", "AUTHPLANE_VAULT_TOKEN", "AUTHPLANE_ADMIN_API_KEY", "CONNECTOR_", "x\nCONNECTOR_A"],
)
def test_what_may_not_be_read_is_not_read(monkeypatch, name):
    if "\n" not in name:
        monkeypatch.setenv(name, "leak")
    with pytest.raises(SecretUnavailable, match="not one that may be read"):
        referred_secret(name)


def test_a_file_may_hold_it(monkeypatch, tmp_path):
    path = tmp_path / "secret"
    path.write_text("hush\n")
    monkeypatch.delenv("CONNECTOR_X", raising=False)
    monkeypatch.setenv("CONNECTOR_X_FILE", str(path))
    assert referred_secret("CONNECTOR_X") == "hush"


@pytest.mark.parametrize("content", [b"", b" \n", b"\xff\xfe", b"x" * (MAX_FILE + 1), None])
def test_a_file_that_cannot_be_it_is_named_by_its_variable(monkeypatch, tmp_path, content):
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setenv("CONNECTOR_X_FILE", str(path))
    with pytest.raises(SecretUnavailable, match="CONNECTOR_X_FILE") as caught:
        referred_secret("CONNECTOR_X")
    assert str(path) not in str(caught.value)


def test_a_missing_variable_is_named(monkeypatch):
    monkeypatch.delenv("CONNECTOR_X", raising=False)
    with pytest.raises(SecretUnavailable, match="neither CONNECTOR_X nor CONNECTOR_X_FILE is set"):
        referred_secret("CONNECTOR_X")
