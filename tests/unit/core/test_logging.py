"""Log lines and what must never stand in them."""

from __future__ import annotations

import io
import json
import logging

import pytest
from django.conf import settings

from authplane.core import logging as ours
from authplane.core.logging import JsonFormatter, Redaction, TextFormatter, redact

TOKEN = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJlc2lnbmF0dXJl"


@pytest.fixture
def lines():
    """Everything a handler like the configured one writes for the test's own logger."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.addFilter(Redaction())
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer s3cr3t-value", "authorization=Basic s3cr3t-value",
        "DPoP s3cr3t-value", "client_secret=s3cr3t-value&x=1", '{"password": "s3cr3t-value"}',
        "{'refresh_token': 's3cr3t-value', 'a': 1}", "code=s3cr3t-value",
        "code_verifier=s3cr3t-value",
        "?code=s3cr3t-value&state=s3cr3t-value", "state: s3cr3t-value", f"token was {TOKEN}",
        'request_uri="urn:s3cr3t-value"', "Cookie: s3cr3t-value",
        "the key aak_s3cr3t-value was", "the key uag_s3cr3t-value was",
        "-----BEGIN PRIVATE KEY-----\ns3cr3t-value\n-----END PRIVATE KEY-----",
        '{"client_secret": "with \\" quote s3cr3t-value"}', "CLIENT_SECRET=s3cr3t-value",
    ],
)  # fmt: skip
def test_what_looks_like_a_credential_is_hidden(text):
    shown = redact(text)

    assert "s3cr3t-value" not in shown
    assert TOKEN not in shown
    assert "redacted" in shown


@pytest.mark.parametrize(
    "text",
    ["status code 404", "GET /oauth/token 400", "client_id=abc", "error: not found", "aak_Pjkf"],
)
def test_ordinary_text_stays(text):
    assert redact(text) == text


def test_a_line_is_one_json_object_with_its_context(lines):
    token = ours.begin("request-1")
    try:
        ours.bind(client_id="client-1")
        logging.getLogger("authplane.x").info("%s happened", "it", extra={"count": 3, "odd": {}})
    finally:
        ours.end(token)
    logging.getLogger("authplane.x").info("later")

    first, second = lines()
    assert first["message"] == "it happened"
    assert (first["level"], first["logger"]) == ("info", "authplane.x")
    assert (first["request_id"], first["client_id"], first["count"]) == ("request-1", "client-1", 3)
    assert "odd" not in first
    assert "request_id" not in second


def test_secrets_in_arguments_fields_and_tracebacks_are_hidden(lines):
    log = logging.getLogger("authplane.x")
    try:
        int("password=s3cr3t-value")
    except ValueError:
        log.exception("failed with %s", "client_secret=s3cr3t-value", extra={
            "note": "Bearer s3cr3t-value", "password": "s3cr3t-value", "fine": "yes",
        })  # fmt: skip

    (line,) = lines()
    assert "s3cr3t-value" not in json.dumps(line)
    assert line["fine"] == "yes"
    assert "ValueError" in line["exception"]


def test_nobody_can_write_a_line_of_their_own():
    record = logging.LogRecord("a", logging.INFO, "", 0, "path %s", ("/x\n2026 INFO forged",), None)
    Redaction().filter(record)

    assert "\n" not in TextFormatter().format(record)


@pytest.mark.parametrize("name", ["oauthlib", "oauthlib.oauth2.rfc6749.endpoints.token", "httpx"])
def test_no_level_brings_back_the_debug_lines_of_libraries(lines, name):
    talkative = logging.getLogger(name)
    before = talkative.level
    talkative.setLevel(logging.DEBUG)
    try:
        talkative.debug("token request %r", {"refresh_token": "s3cr3t-value"})
        talkative.warning("something odd")
    finally:
        talkative.setLevel(before)

    assert [line["message"] for line in lines()] == ["something odd"]


def test_the_settings_pin_talkative_libraries_whatever_the_level():
    configured = ours.settings_for(level="debug", form="text", add_source=True)

    assert configured["root"]["level"] == "DEBUG"
    for name in ours.QUIET:
        assert configured["loggers"][name]["level"] == "WARNING"
    assert configured["handlers"]["stdout"]["filters"] == ["redaction"]
    assert (
        ours.settings_for(level="warn", form="json", add_source=False)["root"]["level"] == "WARNING"
    )
    assert settings.LOGGING["filters"]["redaction"]["()"].endswith("Redaction")


def test_oauthlib_is_quiet_in_this_very_process():
    assert not logging.getLogger("oauthlib.oauth2").isEnabledFor(logging.DEBUG)


def test_text_lines_and_sources():
    record = logging.LogRecord("a", logging.INFO, "/x.py", 7, "hello", None, None)
    token = ours.begin("request-2")
    try:
        assert "request_id=request-2" in TextFormatter(add_source=True).format(record)
    finally:
        ours.end(token)
    assert json.loads(JsonFormatter(add_source=True).format(record))["source"] == "/x.py:7"
    assert ours.request_id() == ""
