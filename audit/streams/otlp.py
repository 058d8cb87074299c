"""Rows as OTLP log records, posted as JSON.

Spec: OTLP 1.x section "OTLP/HTTP", JSON Protobuf Encoding: ids of traces in hexadecimal digits,
64-bit numbers as strings.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from audit.anchors.places import reach_of
from audit.models import AuditEvent
from audit.sealing.canonical import encode
from audit.view import address_of
from authplane.core.config import config
from authplane.core.fetch import FetchFailed, FetchRefused, send

TIMEOUT: Final = 15.0
MAX_ANSWER: Final = 64 * 1024
OK: Final = range(200, 300)
INFO: Final = 9
WARN: Final = 13
TRACE_DIGITS: Final = 32


class StreamFailed(Exception):
    """The rows were not taken. The text is for operators and holds no secret."""


def post_rows(rows: Sequence[AuditEvent]) -> None:
    """The collector has taken the rows. What it says it rejected is not offered again.

    Spec: OTLP, "Partial Success": the client MUST NOT retry the request.
    Raises: StreamFailed.
    """
    url, authorization = config().audit.otlp_endpoint, config().audit.otlp_authorization
    try:
        answer = send(
            "POST", url, document=document_of(rows), max_bytes=MAX_ANSWER, timeout=TIMEOUT,
            reach=reach_of(url),
            headers={"Authorization": authorization} if authorization else {},
        )  # fmt: skip
    except (FetchFailed, FetchRefused) as error:
        raise StreamFailed(error.reason) from None
    if answer.status not in OK:
        raise StreamFailed(f"the collector answered {answer.status}")


def document_of(rows: Sequence[AuditEvent]) -> dict[str, Any]:
    """The body of a request."""
    resource = {"service.name": "authplane", "authplane.issuer": config().server.issuer}
    return {
        "resourceLogs": [
            {
                "resource": {"attributes": _attributes(resource)},
                "scopeLogs": [
                    {
                        "scope": {"name": "authplane.audit"},
                        "logRecords": [_record(row) for row in rows],
                    }
                ],
            }
        ]
    }


def is_refusal(action: str) -> bool:
    """Whether the event says that somebody did not get what they wanted, or worse."""
    return action.endswith(("denied", "failed", "refused", "reused", "violated", "detected", "out"))


def _record(row: AuditEvent) -> dict[str, Any]:
    attributes = {
        "event.name": row.action,
        "authplane.event.id": str(row.pk),
        "user.id": row.actor_id,
        "authplane.client.id": row.client_id,
        "client.address": address_of(row),
        "authplane.request.id": row.request_id,
        "authplane.detail": encode(row.detail),
    }
    severity = WARN if is_refusal(row.action) else INFO
    trace = {"traceId": row.trace_id} if len(row.trace_id) == TRACE_DIGITS else {}
    nanoseconds = int(row.created_at.timestamp()) * 10**9 + row.created_at.microsecond * 1000
    return {
        "timeUnixNano": str(nanoseconds),
        "severityNumber": severity,
        "severityText": "WARN" if severity == WARN else "INFO",
        "body": {"stringValue": row.action},
        "attributes": _attributes({name: value for name, value in attributes.items() if value}),
        **trace,
    }


def _attributes(values: dict[str, str]) -> list[dict[str, Any]]:
    return [{"key": name, "value": {"stringValue": value}} for name, value in values.items()]
