"""The configuration in force."""

from __future__ import annotations

from threading import Thread

import pytest

from authplane.core.areas.operation import Storage
from authplane.core.config import config, is_local, override_config
from authplane.core.loading import declared
from authplane.core.reference import configuration_reference, in_words
from authplane.settings.databases import database_settings


def test_an_override_holds_in_every_thread_and_ends_with_its_block():
    before = config().tokens.access_ttl
    seen = []

    with override_config(tokens={"access_ttl": 5}, dcr={"mode": "admin_only"}):
        thread = Thread(target=lambda: seen.append((config().tokens.access_ttl, config().dcr.mode)))
        thread.start()
        thread.join()
        with override_config(tokens={"code_ttl": 7}):
            assert (config().tokens.access_ttl, config().tokens.code_ttl) == (5, 7)

    assert seen == [(5, "admin_only")]
    assert config().tokens.access_ttl == before


def test_an_override_of_an_unknown_field_fails():
    with pytest.raises(TypeError), override_config(tokens={"acess_ttl": 5}):
        pass


def test_localhost_is_recognised():
    assert is_local()
    with override_config(server={"issuer": "https://auth.example.com"}):
        assert not is_local()


def test_the_reference_names_every_setting_and_no_secret_default():
    page = configuration_reference()

    for _, _, known in declared():
        assert f"`{known.key}`" in page
        assert known.doc.replace("|", "\\|") in page
    assert page.count("_FILE`") >= 10


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0s"), (59, "59s"), (60, "1m"), (5400, "90m"), (604800, "7d")]
)
def test_durations_are_shown_in_the_largest_exact_unit(seconds, words):
    assert in_words(seconds) == words


def settings_of(tmp_path, **fields):
    return database_settings(Storage(**fields), base=tmp_path, data=tmp_path / "data")


@pytest.mark.shows("setting", "storage.driver", "storage.sqlite.path", "storage.sqlite.wal")
def test_sqlite_is_the_default_and_queues_its_writers(tmp_path):
    settings = settings_of(tmp_path)

    assert settings["NAME"] == str(tmp_path / "data" / "authserver.db")
    other = settings_of(tmp_path, driver="sqlite", sqlite_path="x/y.db", sqlite_wal=False)
    assert other["NAME"] == str(tmp_path / "x" / "y.db")
    assert "journal_mode=DELETE" in other["OPTIONS"]["init_command"]
    assert settings["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert "journal_mode=WAL" in settings["OPTIONS"]["init_command"]
    assert settings["CONN_MAX_AGE"] is None
    assert settings["ATOMIC_REQUESTS"] is False


@pytest.mark.parametrize(
    ("url", "path"), [("sqlite:///sub/x.db", "sub/x.db"), ("sqlite:////abs/x.db", None)]
)
def test_sqlite_urls_are_relative_or_absolute(tmp_path, monkeypatch, url, path):
    monkeypatch.setattr("pathlib.Path.mkdir", lambda *args, **kwargs: None)

    name = settings_of(tmp_path, database_url=url)["NAME"]

    assert name == (str(tmp_path / path) if path else "/abs/x.db")


@pytest.mark.shows("setting", "storage.database_url")
def test_database_url_wins_over_the_storage_settings(tmp_path):
    settings = settings_of(
        tmp_path, driver="sqlite", database_url="postgres://u:p%40ss@db:5433/name?sslmode=require"
    )

    assert settings["ENGINE"].endswith("postgresql")
    assert (settings["USER"], settings["PASSWORD"], settings["PORT"]) == ("u", "p@ss", "5433")
    assert (settings["HOST"], settings["NAME"]) == ("db", "name")
    assert settings["OPTIONS"]["sslmode"] == "require"
    assert settings["CONN_MAX_AGE"] is None


@pytest.mark.shows(
    "setting",
    "storage.postgres.dsn",
    "storage.postgres.max_conns",
    "storage.postgres.min_conns",
    "storage.postgres.max_conn_lifetime",
    "storage.postgres.max_conn_idle_time",
)
def test_a_pool_is_used_when_its_size_is_set(tmp_path):
    settings = settings_of(
        tmp_path, driver="postgres", postgres_dsn="postgres://db/name", postgres_max_conns=25,
        postgres_min_conns=5,
        postgres_max_conn_lifetime=60,
        postgres_max_conn_idle_time=30,
    )  # fmt: skip

    assert settings["OPTIONS"]["pool"] == {
        "min_size": 5, "max_size": 25, "max_lifetime": 60, "max_idle": 30, "timeout": 10,
    }  # fmt: skip
    assert settings["CONN_MAX_AGE"] == 0
