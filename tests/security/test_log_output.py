"""What a server process writes, and how the configuration changes it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

ASK = """
import django; django.setup()
from django.test import Client
http = Client(raise_request_exception=False)
http.get("/livez")
http.get("/nothing?code=s3cr3t")
http.post("/nothing", {"client_secret": "s3cr3t"}, headers={"Authorization": "Basic s3cr3t=="})
import logging
logging.getLogger("oauthlib.oauth2").debug("request %r", {"refresh_token": "s3cr3t"})
logging.getLogger("authplane.x").error("failed with client_secret=s3cr3t")
"""


def output_of(tmp_path, **variables):
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("AUTHPLANE_")
    } | {
        "DJANGO_SETTINGS_MODULE": "authplane.settings.dev",
        "AUTHPLANE_DATA_DIR": str(tmp_path),
        "PYTHONPATH": str(ROOT),
        **variables,
    }
    command = [sys.executable, "-W", "ignore", "-c", ASK]
    done = subprocess.run(
        command, env=environment, check=True, capture_output=True, text=True, cwd=ROOT
    )
    assert "s3cr3t" not in done.stdout + done.stderr
    return done.stdout.splitlines()


@pytest.mark.shows("setting", "logging.format", "logging.add_source")
def test_lines_are_json_unless_text_is_asked_for(tmp_path):
    lines = [json.loads(line) for line in output_of(tmp_path, AUTHPLANE_LOG_ADD_SOURCE="true")]
    assert [line["logger"] for line in lines] == ["authplane.access"] * 2 + ["authplane.x"]
    assert lines[0]["request_id"]
    assert lines[0]["source"].endswith(tuple("0123456789"))

    text = output_of(tmp_path, AUTHPLANE_LOG_FORMAT="text")
    assert "GET /nothing 404" in text[0]
    assert not text[0].startswith("{")


@pytest.mark.shows("setting", "logging.level")
def test_the_level_decides_what_is_written_and_never_reveals_secrets(tmp_path):
    assert len(output_of(tmp_path, AUTHPLANE_LOG_LEVEL="error")) == 1
    debug = output_of(tmp_path, AUTHPLANE_LOG_LEVEL="debug")
    assert any("/livez" in line for line in debug)
    assert not any("oauthlib" in line for line in debug)
