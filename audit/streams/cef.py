"""Rows in the Common Event Format, to a syslog server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from audit.models import AuditEvent
from audit.sealing.canonical import encode
from audit.streams.otlp import StreamFailed, is_refusal
from audit.view import address_of
from authplane import __version__
from authplane.core import syslog
from authplane.core.config import config

LOW: Final = 3
HIGH: Final = 7


def tell_rows(rows: Sequence[AuditEvent]) -> None:
    """The rows have left for the syslog server. Raises: StreamFailed."""
    messages = [
        syslog.message(line_of(row), kind="audit", at=row.created_at, severity=_severity(row))
        for row in rows
    ]
    try:
        syslog.send(syslog.Destination.of(config().audit.cef_address), messages)
    except (syslog.SyslogFailed, ValueError) as error:
        raise StreamFailed(str(error)) from None


def line_of(row: AuditEvent) -> str:
    """One row: `CEF:0|vendor|product|version|action|action|severity|members`."""
    head = "|".join(
        _in_header(text)
        for text in (
            "authplane", "authplane", __version__, row.action, row.action,
            str(HIGH if is_refusal(row.action) else LOW),
        )
    )  # fmt: skip
    members = {
        "rt": str(int(row.created_at.timestamp() * 1000)),
        "externalId": str(row.pk),
        "suid": row.actor_id,
        "src": address_of(row),
        "cs1Label": "clientId" if row.client_id else "",
        "cs1": row.client_id,
        "cs2Label": "detail",
        "cs2": encode(row.detail),
        "cs3Label": "requestId" if row.request_id else "",
        "cs3": row.request_id,
    }
    told = " ".join(f"{name}={_in_member(text)}" for name, text in members.items() if text)
    return f"CEF:0|{head}|{told}"


def _severity(row: AuditEvent) -> int:
    return syslog.WARNING if is_refusal(row.action) else syslog.NOTICE


def _in_header(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ").replace("\r", " ")


def _in_member(text: str) -> str:
    return text.replace("\\", "\\\\").replace("=", "\\=").replace("\n", "\\n").replace("\r", "\\r")
