"""Settings of the audit record: how long it lives, who else keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from authplane.core.areas.declare import setting
from authplane.core.env import duration, integer, secret, text_list

DAY: Final = 24 * 3600


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """The audit record. Durations are seconds."""

    retention: int = setting(
        "audit.retention",
        0,
        "After what time sealed rows are removed; their batches' summaries stay. 0 keeps all.",
        read=duration,
        low=0,
    )
    anchor_file: str = setting(
        "audit.anchor_file",
        "",
        "A file, best on another machine, to which each signed checkpoint is appended.",
    )
    anchor_syslog: str = setting(
        "audit.anchor_syslog",
        "",
        "A syslog server that is told each checkpoint: udp://host:514, tcp://host:601 or"
        " tls://host:6514.",
    )
    anchor_s3_endpoint: str = setting(
        "audit.anchor_s3_endpoint",
        "",
        "URL of an S3-compatible service that keeps each checkpoint as an object.",
    )
    anchor_s3_bucket: str = setting(
        "audit.anchor_s3_bucket", "", "Its bucket, with object lock enabled."
    )
    anchor_s3_region: str = setting("audit.anchor_s3_region", "us-east-1", "Its region.")
    anchor_s3_access_key: str = setting(
        "audit.anchor_s3_access_key", "", "Id of a key that may put objects there."
    )
    anchor_s3_secret_key: str = setting(
        "audit.anchor_s3_secret_key", "", "That key.", read=secret, secret=True
    )
    anchor_s3_lock_days: int = setting(
        "audit.anchor_s3_lock_days",
        365,
        "For how many days nobody may remove such an object; 0 asks for no lock.",
        read=integer,
        low=0,
        high=36500,
    )
    otlp_endpoint: str = setting(
        "audit.otlp_endpoint",
        "",
        "URL that takes the record as OTLP logs over HTTP in JSON, with its path: .../v1/logs.",
    )
    otlp_authorization: str = setting(
        "audit.otlp_authorization",
        "",
        "The Authorization header sent there.",
        read=secret,
        secret=True,
    )
    cef_address: str = setting(
        "audit.cef_address",
        "",
        "A syslog server that takes the record in the Common Event Format: udp://host:514,"
        " tcp://host:601 or tls://host:6514.",
    )
    allowed_private_hosts: tuple[str, ...] = setting(
        "audit.allowed_private_hosts",
        (),
        "Hosts among these services that may live at private addresses. Plain http is accepted"
        " from them.",
        read=text_list,
    )
