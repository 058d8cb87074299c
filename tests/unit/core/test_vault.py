"""Data keys that a Vault wraps: how they are opened, and what happens when they cannot be."""

from __future__ import annotations

import io
import json
import threading

import pytest
from django.core.checks import Tags, run_checks
from django.core.management import CommandError, call_command
from prometheus_client import REGISTRY

from authplane.core import crypto, datakeys
from authplane.core.checks import check_data_keys
from authplane.core.config import config
from authplane.core.crypto import CryptoError
from authplane.core.loading import ConfigurationError, load
from authplane.core.transit import TransitClient, VaultError
from oauth.keys import rotation
from oauth.keys.snapshot import driver
from tests.support.vault import (
    BINARY,
    JWT,
    ROLE_ID,
    SECRET_ID,
    TOKEN,
    running_dev_server,
    running_vault,
)

PLACE = "table:row:column"
HEX = "5c" * 32
PREFIX = "AUTHPLANE_DATA_ENCRYPTION_VAULT_"


@pytest.fixture(autouse=True)
def _open_anew():
    datakeys.forget_opened()
    yield
    datakeys.forget_opened()


@pytest.fixture
def vault():
    with running_vault() as running:
        yield running


@pytest.fixture
def wrapped(vault, override_config):
    """The configuration names a key that this Vault wrapped."""
    override_config(data_keys=vault.settings())
    text = TransitClient(config().data_keys).new_data_key()
    override_config(secrets={"data": text, "data_old": ""})
    vault.requests.clear()
    return text


def run(action):
    out = io.StringIO()
    call_command("data_key", action, "--json", stdout=out)
    return json.loads(out.getvalue())


def counted(name, **labels):
    labels = {"driver": "vault_transit_encrypt", "operation": "decrypt"} | labels
    return REGISTRY.get_sample_value(name, labels) or 0


@pytest.mark.parametrize("server", [running_vault, *([running_dev_server] if BINARY else [])])
def test_every_call_against_a_server(server, override_config):
    with server() as running:
        override_config(data_keys=running.settings())
        client = TransitClient(config().data_keys)
        new, known = client.new_data_key(), client.encrypt(bytes.fromhex(HEX))
        assert len(client.decrypt(new)) == 32
        assert client.decrypt(known) == bytes.fromhex(HEX)
        again = client.rewrap([new, known])
        assert client.decrypt(again[1]) == bytes.fromhex(HEX)
        assert all(text.startswith("vault:v1:") for text in (new, known, *again))
        with pytest.raises(VaultError, match="does not accept"):
            client.decrypt(new[:-8] + "AAAAAAA=")


@pytest.mark.shows(
    "setting",
    "data_encryption.driver",
    "data_encryption.vault_transit_encrypt.address",
    "data_encryption.vault_transit_encrypt.key_name",
    "data_encryption.vault_transit_encrypt.mount_path",
    "data_encryption.vault_transit_encrypt.token",
)
def test_one_call_a_process_however_much_is_sealed(wrapped, vault):
    before = counted("authserver_encrypt_duration_seconds_count")
    blobs = [crypto.seal(b"x", context=PLACE) for _ in range(20)]
    threads = [
        threading.Thread(target=crypto.open_sealed, args=(blob,), kwargs={"context": PLACE})
        for blob in blobs
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    (call,) = vault.requests
    assert call[0] == "transit/decrypt/authplane"
    assert call[1]["x-vault-token"] == TOKEN
    assert "x-vault-namespace" not in call[1]
    assert call[2]["ciphertext"] == wrapped
    assert counted("authserver_encrypt_duration_seconds_count") == before + 1


@pytest.mark.shows(
    "setting",
    "data_encryption.vault_transit_encrypt.auth_method",
    "data_encryption.vault_transit_encrypt.auth_mount",
    "data_encryption.vault_transit_encrypt.namespace",
    "data_encryption.vault_transit_encrypt.approle.role_id",
    "data_encryption.vault_transit_encrypt.approle.secret_id",
    "data_encryption.vault_transit_encrypt.kubernetes.role",
    "data_encryption.vault_transit_encrypt.kubernetes.token_path",
)
@pytest.mark.parametrize("method", ["approle", "kubernetes"])
def test_signing_in(wrapped, vault, override_config, tmp_path, method):
    path = tmp_path / "token"
    path.write_text(f"{JWT}\n")
    ways = {
        "approle": {"role_id": ROLE_ID, "secret_id": SECRET_ID},
        "kubernetes": {
            "kubernetes_role": "authplane", "auth_mount": "pods",
            "kubernetes_token_path": str(path),
        },
    }  # fmt: skip
    members = {"token": "", "auth_method": method, "namespace": "team/a"} | ways[method]
    override_config(data_keys=vault.settings(**members))

    crypto.open_data_keys()

    mount = "pods" if method == "kubernetes" else "approle"
    assert vault.paths() == [f"auth/{mount}/login", "transit/decrypt/authplane"]
    assert all(headers["x-vault-namespace"] == "team/a" for _, headers, _ in vault.requests)
    assert "x-vault-token" not in vault.requests[0][1]


@pytest.mark.parametrize(
    ("trouble", "text"),
    [
        ({"status": 503, "says": {"errors": ["Vault is sealed"]}}, "sealed"),
        ({"status": 403, "says": {"errors": ["permission denied"]}}, "refuses"),
        ({"status": 404, "says": {"errors": []}}, "no such mount or key"),
        ({"status": 418, "says": {}}, "does not answer as Vault does"),
        ({"status": 200, "says": b"<html>"}, "no JSON object"),
        ({"status": 200, "says": []}, "no JSON object"),
        ({"status": 200, "says": {"data": None}}, "without data"),
        ({"status": 200, "says": {"data": {}}}, "without plaintext"),
        ({"status": 200, "says": {"data": {"plaintext": "%%"}}}, "no base64"),
        ({"status": 200, "says": {"data": {"plaintext": "YWJj"}}}, "no key of 256 bits"),
        ({"status": 200, "says": b"x" * 100_000}, "too large"),
        ({"oldest": 2}, "archived"),
        ({"keys": {"other": []}}, "no such mount or key"),
        ({"token": "another"}, "refuses"),
        ({"redirect": "https://vault.example"}, "another scheme"),
        ({"delay": 1.2}, "took too long"),
    ],
)
def test_a_key_that_cannot_be_had_is_found_at_start(wrapped, vault, override_config, trouble, text):
    override_config(data_keys=vault.settings(timeout=1))
    for name, value in trouble.items():
        setattr(vault, name, value)
    before = counted("authserver_encrypt_errors_total", error_type="vault_request")

    (told,) = check_data_keys(None)
    assert told.id == "authplane.E003"
    assert text in told.msg
    with pytest.raises(CommandError, match=text):
        run("check")
    assert len(vault.requests) == 1, "left alone for a while after a failure"
    assert TOKEN not in told.msg
    if "256 bits" not in text:
        after = counted("authserver_encrypt_errors_total", error_type="vault_request")
        assert after == before + 1


def test_a_vault_that_is_away(wrapped, vault, override_config):
    override_config(data_keys=vault.settings(address="http://127.0.0.1:9"))
    with pytest.raises(CryptoError, match="cannot be reached"):
        crypto.seal(b"x", context=PLACE)


def test_it_is_asked_again_when_the_time_has_come(wrapped, vault, monkeypatch):
    vault.status = 503
    for _ in range(3):
        with pytest.raises(CryptoError):
            crypto.open_data_keys()
    assert len(vault.requests) == 1
    vault.status = 0
    monkeypatch.setattr(datakeys, "SECONDS_BETWEEN_TRIES", 0.0)
    crypto.open_data_keys()


def test_a_standby_names_the_active_node(wrapped, vault):
    with running_vault() as active:
        active.keys, vault.redirect = vault.keys, active.address
        crypto.open_data_keys()
    assert (len(vault.requests), len(active.requests)) == (1, 1)


def test_a_standby_that_names_another_standby_is_not_followed(wrapped, vault):
    with running_vault() as second, running_vault() as third:
        vault.redirect, second.redirect = second.address, third.address
        with pytest.raises(CryptoError, match="HTTP 307"):
            crypto.open_data_keys()
    assert third.requests == []


@pytest.mark.shows("setting", "data_encryption.vault_transit_encrypt.ca_path")
def test_authorities_that_cannot_be_read(wrapped, vault, override_config, tmp_path):
    override_config(
        data_keys=vault.settings(address="https://127.0.0.1:9", ca_path=str(tmp_path / "ca.pem"))
    )
    with pytest.raises(CryptoError, match="authorities cannot be read"):
        crypto.open_data_keys()


@pytest.mark.shows("setting", "data_encryption.vault_transit_encrypt.timeout")
def test_a_call_takes_no_longer_than_its_timeout(wrapped, vault, override_config):
    override_config(data_keys=vault.settings(timeout=1))
    vault.delay = 1.2
    with pytest.raises(CryptoError, match="took too long"):
        crypto.open_data_keys()


def test_the_key_in_clear_is_wrapped_and_opens_what_it_sealed(vault, override_config):
    override_config(secrets={"data": HEX, "data_old": ""})
    blob = crypto.seal(b"x", context=PLACE)
    override_config(data_keys=vault.settings(driver="aes_master"))
    text = run("wrap")["AUTHPLANE_DATA_ENCRYPTION_KEY"]

    override_config(data_keys=vault.settings(), secrets={"data": text})
    assert crypto.open_sealed(blob, context=PLACE) == b"x"
    assert not crypto.needs_rewrap(blob)
    with pytest.raises(CommandError, match="not a key in clear"):
        run("wrap")


def test_another_key_and_the_one_before(wrapped, vault, override_config):
    blob = crypto.seal(b"x", context=PLACE)
    fresh = run("new")["AUTHPLANE_DATA_ENCRYPTION_KEY"]
    override_config(secrets={"data": fresh, "data_old": wrapped})
    assert crypto.needs_rewrap(blob)
    assert crypto.open_sealed(blob, context=PLACE) == b"x"
    override_config(secrets={"data": fresh, "data_old": HEX})
    assert run("check") | {"present": ""} == {
        "driver": "vault_transit_encrypt", "present": "", "opened": 2
    }  # fmt: skip


def test_the_vault_s_own_key_is_rotated(wrapped, vault, override_config):
    blob = crypto.seal(b"x", context=PLACE)
    vault.rotate()
    text = run("rewrap")["AUTHPLANE_DATA_ENCRYPTION_KEY"]
    assert text.startswith("vault:v2:")
    vault.oldest = 2
    datakeys.forget_opened()
    override_config(secrets={"data": text})
    assert crypto.open_sealed(blob, context=PLACE) == b"x"

    override_config(secrets={"data": text, "data_old": wrapped})
    with pytest.raises(CommandError, match="does not accept"):
        run("rewrap")


@pytest.mark.parametrize(
    ("action", "secrets", "address"),
    [("new", {}, ""), ("rewrap", {"data": HEX, "data_old": ""}, "http://127.0.0.1:9"),
     ("check", {"data": ""}, "")],
)  # fmt: skip
def test_what_cannot_be_done_is_said(override_config, action, secrets, address):
    override_config(secrets=secrets, data_keys={"address": address, "key_name": "authplane"})
    with pytest.raises(CommandError):
        run(action)


@pytest.mark.django_db
def test_signing_keys_are_sealed_under_it_and_sign_without_it(wrapped, vault, override_config):
    override_config(signing={"key_store": "vault_transit"})
    key = rotation.rotate(immediate=True)
    for _ in range(3):
        assert driver().private_part(key.kid)
    assert vault.paths() == ["transit/decrypt/authplane"]
    datakeys.forget_opened()
    vault.status = 503
    found = run_checks(tags=[Tags.database], databases=["default"])
    assert {"authplane.E003", "authplane.E010"} <= {problem.id for problem in found}


GOOD = {
    "AUTHPLANE_DATA_ENCRYPTION_DRIVER": "vault_transit_encrypt",
    "AUTHPLANE_DATA_ENCRYPTION_KEY": f"vault:v1:{'A' * 80}==",
    f"{PREFIX}ADDRESS": "https://vault.example:8200",
    f"{PREFIX}KEY_NAME": "authplane",
    f"{PREFIX}TOKEN": TOKEN,
}


def problems(environment):
    try:
        load({"AUTHPLANE_SERVER_ISSUER": "http://localhost:9000"} | environment)
    except ConfigurationError as error:
        return " ".join(error.problems)
    return ""


@pytest.mark.shows("setting", "signing.key_store")
@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({}, ""),
        ({f"{PREFIX}ADDRESS": ""}, "VAULT_ADDRESS is required"),
        ({f"{PREFIX}ADDRESS": "http://vault.example"}, "VAULT_ADDRESS must be https"),
        ({f"{PREFIX}ADDRESS": "http://127.0.0.1:8200"}, ""),
        ({f"{PREFIX}KEY_NAME": ""}, "VAULT_KEY_NAME is required"),
        ({f"{PREFIX}TOKEN": ""}, "VAULT_TOKEN is required"),
        ({f"{PREFIX}TOKEN": "", f"{PREFIX}TOKEN_ENV": "MY_TOKEN", "MY_TOKEN": "t"}, ""),
        ({f"{PREFIX}TOKEN": "", f"{PREFIX}TOKEN_ENV": "MY_TOKEN"}, "names MY_TOKEN"),
        ({f"{PREFIX}AUTH_METHOD": "approle"}, "VAULT_SECRET_ID is required"),
        ({f"{PREFIX}AUTH_METHOD": "ldap"}, "must be one of"),
        ({"AUTHPLANE_DATA_ENCRYPTION_KEY": HEX}, "as Vault wrapped it"),
        ({"AUTHPLANE_DATA_ENCRYPTION_KEY": "vault:v1:x"}, "must be 64 hexadecimal digits"),
        ({"AUTHPLANE_DATA_ENCRYPTION_KEY_OLD": HEX}, ""),
        ({"AUTHPLANE_DATA_ENCRYPTION_DRIVER": ""}, "must be vault_transit_encrypt"),
        ({"AUTHPLANE_SIGNING_KEY_STORE": "vault_transit"}, ""),
        (
            {"AUTHPLANE_SIGNING_KEY_STORE": "vault_transit", "AUTHPLANE_DATA_ENCRYPTION_KEY": HEX,
             "AUTHPLANE_DATA_ENCRYPTION_DRIVER": "aes_master"},
            "vault_transit needs",
        ),
        ({"AUTHPLANE_VAULT_ADDR": "https://vault.example"}, "signing inside of Vault"),
    ],
)  # fmt: skip
def test_what_the_configuration_must_say(change, text):
    found = problems(GOOD | change)
    assert (text in found) if text else found == ""


def test_no_key_is_made_up_where_vault_makes_them(tmp_path):
    from authplane.core.first_run import provide_local_secrets

    environment = {"AUTHPLANE_DATA_ENCRYPTION_DRIVER": "vault_transit_encrypt"}
    provide_local_secrets(environment, base=tmp_path)
    assert "AUTHPLANE_SESSION_SECRET_FILE" in environment
    assert "AUTHPLANE_DATA_ENCRYPTION_KEY_FILE" not in environment
