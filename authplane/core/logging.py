"""Log lines: one JSON object each, tied to their request, without secrets."""

from __future__ import annotations

import json
import logging
import re
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextvars import Token

HIDDEN = "[redacted]"

SENSITIVE = (
    "access_token|refresh_token|id_token|client_secret|client_assertion|assertion|subject_token"
    "|actor_token|device_code|code_verifier|code|password|passwd|secret|api_key|apikey|token"
    "|request_uri|state|csrf_token|cookie|set-cookie|authorization|registration_access_token"
    "|session|sessionid|private_key|pepper|dpop"
)
NAMED = re.compile(
    # A secret by its name: form and query pairs, JSON members and Python representations.
    rf"""(?ix) (?P<name>["']? \b (?:{SENSITIVE}) \b ["']?) (?P<sep>\s*[=:]\s*)
    (?P<value> "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*'
             | (?:(?:bearer|basic|dpop)\s+)? [^\s&,;)}}\]"']+ )"""
)
SCHEME = re.compile(r"(?i)\b(bearer|basic|dpop)\s+[A-Za-z0-9._~+/=-]{8,}")
COMPACT_JWS = re.compile(r"\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]*\.?[A-Za-z0-9_-]*")
OPAQUE_TOKEN = re.compile(r"\b(?:apat|aak|uag)_[A-Za-z0-9_-]{5,}")
PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [^-]*-----|\Z)", re.DOTALL
)

QUIET = ("oauthlib", "oauth2_provider", "requests_oauthlib", "httpx", "httpcore", "hpack",
         "urllib3", "django.db.backends", "allauth", "kombu", "amqp")  # fmt: skip
"""Libraries whose debug lines hold requests, tokens or statement parameters."""

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}

_context: ContextVar[dict[str, str]] = ContextVar("log_context", default={})  # noqa: B039


def begin(request_id: str) -> Token[dict[str, str]]:
    """From here on lines of this thread carry ``request_id``."""
    return _context.set({"request_id": request_id})


def end(token: Token[dict[str, str]]) -> None:
    """The context before ``begin`` is back."""
    _context.reset(token)


def bind(**fields: str) -> None:
    """Further lines of this request carry these fields, for instance ``client_id``."""
    _context.set({**_context.get(), **fields})


def context() -> Mapping[str, str]:
    """What is bound to the present request."""
    return _context.get()


def request_id() -> str:
    """The id of the present request; empty outside of one."""
    return _context.get().get("request_id", "")


def redact(text: str) -> str:
    """``text`` without what looks like a credential.

    The second line of defence: no module logs a secret on purpose. This one is for texts of others,
    exception messages above all.
    """
    # Each pattern has something it cannot do without; most texts have none of it.
    if "-----BEGIN" in text:
        text = PRIVATE_KEY.sub(HIDDEN, text)
    if "=" in text or ":" in text:
        text = NAMED.sub(rf"\g<name>\g<sep>{HIDDEN}", text)
    if "apat_" in text or "aak_" in text or "uag_" in text:
        text = OPAQUE_TOKEN.sub(HIDDEN, text)
    text = SCHEME.sub(rf"\1 {HIDDEN}", text)
    return COMPACT_JWS.sub(HIDDEN, text) if "eyJ" in text else text


class Redaction(logging.Filter):
    """Renders each record and hides secrets in its text, its traceback and its fields.

    Lines of talkative libraries below WARNING are dropped here, at the handler, so that no level
    set anywhere, at run time or by a library itself, can bring them back.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is written; it is safe to write afterwards."""
        if record.levelno < logging.WARNING and record.name.startswith(QUIET):
            return False
        # Line ends would let a caller write lines of their own.
        text = redact(record.getMessage()).replace("\r", "\\r").replace("\n", "\\n")
        record.msg, record.args = text, None
        if record.exc_info and not record.exc_text:
            record.exc_text = redact("".join(traceback.format_exception(*record.exc_info)))
            record.exc_info = None
        for name in record.__dict__.keys() - _STANDARD:
            value = record.__dict__[name]
            if re.fullmatch(rf"(?i){SENSITIVE}", name) and isinstance(value, str):
                record.__dict__[name] = HIDDEN
            elif isinstance(value, str):
                record.__dict__[name] = redact(value)
        return True


class JsonFormatter(logging.Formatter):
    """One line of JSON: time, level, logger, message, context, extra fields, traceback."""

    def __init__(self, *, add_source: bool = False) -> None:
        super().__init__()
        self.add_source = add_source

    def format(self, record: logging.LogRecord) -> str:
        """The line of ``record``."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, tz=UTC).isoformat(
                timespec="milliseconds"
            ),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_context.get(),
        }
        for name, value in _further_fields(record).items():
            line.setdefault(name, value)
        if self.add_source:
            line["source"] = f"{record.pathname}:{record.lineno}"
        if record.exc_info and not record.exc_text:
            record.exc_text = redact(self.formatException(record.exc_info))
        if record.exc_text:
            line["exception"] = record.exc_text
        return json.dumps(line, separators=(",", ":"), default=str)


class TextFormatter(logging.Formatter):
    """The same for people: one readable line."""

    def __init__(self, *, add_source: bool = False) -> None:
        source = " %(pathname)s:%(lineno)d" if add_source else ""
        super().__init__(f"%(asctime)s %(levelname)-7s %(name)s{source} %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """The line of ``record``."""
        head, newline, traceback = super().format(record).partition("\n")
        fields = {**_context.get(), **_further_fields(record)}
        told = "".join(
            f" {name}={_on_one_line(value)}" for name, value in fields.items() if value != ""
        )
        return f"{head}{told}{newline}{traceback}"


def _further_fields(record: logging.LogRecord) -> dict[str, Any]:
    """What the caller added to the message, as far as a line can hold it."""
    return {
        name: record.__dict__[name]
        for name in sorted(record.__dict__.keys() - _STANDARD)
        if isinstance(record.__dict__[name], str | int | float | bool | None)
    }


def _on_one_line(value: object) -> str:
    """A line break in a value must not begin a line that looks like one of ours."""
    text = str(value)
    return text if text.isprintable() else ascii(text)


def settings_for(*, level: str, form: str, add_source: bool) -> dict[str, Any]:
    """The value of Django's ``LOGGING``."""
    formatter = "JsonFormatter" if form == "json" else "TextFormatter"
    chosen = {"warn": "WARNING"}.get(level, level.upper())
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"redaction": {"()": "authplane.core.logging.Redaction"}},
        "formatters": {
            "line": {"()": f"authplane.core.logging.{formatter}", "add_source": add_source}
        },
        "handlers": {
            "stdout": {
                "class": "logging.StreamHandler",
                "stream": "ext://sys.stdout",
                "filters": ["redaction"],
                "formatter": "line",
            },
        },
        "root": {"handlers": ["stdout"], "level": chosen},
        "loggers": {
            # Django writes a line for every 4xx; our own line for the request already says it.
            "django.request": {"level": "ERROR"},
            "django": {"handlers": [], "propagate": True},
            "django.server": {"handlers": [], "propagate": True},
            **{name: {"level": "WARNING"} for name in QUIET},
        },
    }
