"""Secrets of a server on its own machine."""

from __future__ import annotations

import re
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from authplane.core.first_run import MADE_HERE, provide_local_secrets


def provided(folder, **environment):
    provide_local_secrets(environment, base=folder)
    return environment


def test_every_missing_secret_is_made_once_and_kept(tmp_path):
    first = provided(tmp_path)
    second = provided(tmp_path)

    assert first == second
    values = {(tmp_path / first[f"{name}_FILE"]).read_text() for name in MADE_HERE}
    assert len(values) == len(MADE_HERE)


def test_only_the_owner_can_read_them(tmp_path):
    environment = provided(tmp_path)

    for name in MADE_HERE:
        path = tmp_path / environment[f"{name}_FILE"]
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "data" / "secrets").stat().st_mode) == 0o700


def test_the_data_key_has_the_form_that_sealing_needs(tmp_path):
    environment = provided(tmp_path)

    key = (tmp_path / environment["AUTHPLANE_DATA_ENCRYPTION_KEY_FILE"]).read_text()
    assert re.fullmatch(r"[0-9a-f]{64}", key)


@pytest.mark.parametrize("issuer", ["https://auth.example.com", "http://localhost.example.com"])
def test_nothing_is_made_for_a_server_that_others_use(tmp_path, issuer):
    environment = provided(tmp_path, AUTHPLANE_SERVER_ISSUER=issuer)

    assert environment == {"AUTHPLANE_SERVER_ISSUER": issuer}
    assert list(tmp_path.iterdir()) == []


def test_given_secrets_are_left_alone(tmp_path):
    environment = provided(
        tmp_path, AUTHPLANE_SESSION_SECRET="mine", AUTHPLANE_CSRF_SECRET_FILE="/elsewhere"
    )

    assert environment["AUTHPLANE_SESSION_SECRET"] == "mine"
    assert "AUTHPLANE_SESSION_SECRET_FILE" not in environment
    assert environment["AUTHPLANE_CSRF_SECRET_FILE"] == "/elsewhere"


def test_secrets_of_the_configuration_file_are_left_alone(tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text("session: {secret: from the file}\nserver: {data_dir: elsewhere}\n")

    environment = provided(tmp_path, AUTHPLANE_CONFIG=str(file))

    assert "AUTHPLANE_SESSION_SECRET_FILE" not in environment
    assert environment["AUTHPLANE_CSRF_SECRET_FILE"].startswith(str(tmp_path / "elsewhere"))


def test_an_issuer_in_the_configuration_file_counts(tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text("server: {issuer: 'https://auth.example.com'}\n")

    environment = provided(tmp_path, AUTHPLANE_CONFIG=str(file))

    assert environment == {"AUTHPLANE_CONFIG": str(file)}


def test_processes_that_start_together_end_with_one_value(tmp_path):
    with ThreadPoolExecutor(max_workers=8) as pool:
        environments = list(pool.map(lambda _: provided(tmp_path), range(16)))

    assert all(environment == environments[0] for environment in environments)
    names = {path.name for path in (tmp_path / "data" / "secrets").iterdir()}
    assert len(names) == len(MADE_HERE)
