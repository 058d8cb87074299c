"""Where checkpoints are kept: each takes one, or says why not."""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Callable
from datetime import timedelta
from typing import Final
from urllib.parse import urlsplit

from audit.anchors.sigv4 import Signer, encoded_path
from audit.models import AuditSeal
from authplane.core import clock, syslog
from authplane.core.config import config
from authplane.core.fetch import FetchFailed, FetchRefused, Reach, send
from authplane.core.hashing import sha256

TIMEOUT: Final = 10.0
MAX_ANSWER: Final = 64 * 1024
OK: Final = range(200, 300)


class AnchorFailed(Exception):
    """The checkpoint was not taken. The text is for operators and holds no secret."""


def append_to_file(seal: AuditSeal) -> None:
    """The checkpoint is the file's last line, on the disk.

    Raises: AnchorFailed.
    """
    line = f"{seal.checkpoint}\n".encode("ascii")
    try:
        descriptor = os.open(
            config().audit.anchor_file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640
        )
        try:
            os.write(descriptor, line)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise AnchorFailed(f"the anchor file cannot be written: {error.strerror}") from None


def tell_syslog(seal: AuditSeal) -> None:
    """The syslog server was told. Raises: AnchorFailed."""
    text = syslog.message(seal.checkpoint, kind="audit-checkpoint", at=seal.sealed_at)
    try:
        syslog.send(syslog.Destination.of(config().audit.anchor_syslog), [text])
    except (syslog.SyslogFailed, ValueError) as error:
        raise AnchorFailed(str(error)) from None


def put_object(seal: AuditSeal) -> None:
    """The checkpoint is an object that nobody may change or remove for the time that is set.

    Raises: AnchorFailed.
    """
    known = config().audit
    body = seal.checkpoint.encode("ascii")
    key = encoded_path(f"/{known.anchor_s3_bucket}/authplane-audit/{seal.number:012d}.jws")
    url = known.anchor_s3_endpoint.rstrip("/") + key
    now = clock.now()
    # A lock is accepted only with a checksum of the content.
    headers = {
        "Content-Type": "application/jose",
        "x-amz-checksum-sha256": b64encode(sha256(body)).decode("ascii"),
    }
    if known.anchor_s3_lock_days:
        until = now + timedelta(days=known.anchor_s3_lock_days)
        headers["x-amz-object-lock-mode"] = "COMPLIANCE"
        headers["x-amz-object-lock-retain-until-date"] = clock.as_text(until)
    signer = Signer(known.anchor_s3_access_key, known.anchor_s3_secret_key, known.anchor_s3_region)
    try:
        answer = send(
            "PUT", url, content=body, max_bytes=MAX_ANSWER, timeout=TIMEOUT, reach=reach_of(url),
            headers=signer.headers("PUT", url, headers=headers, body=body, at=now),
        )  # fmt: skip
    except (FetchFailed, FetchRefused) as error:
        raise AnchorFailed(error.reason) from None
    if answer.status not in OK:
        raise AnchorFailed(f"the service answered {answer.status}")


def reach_of(url: str) -> Reach:
    """Where a service of the operator's may live: plain http only where it is listed."""
    listed = config().audit.allowed_private_hosts
    return Reach(listed, http=(urlsplit(url).hostname or "") in listed)


PLACES: Final[dict[str, Callable[[AuditSeal], None]]] = {
    "anchor:file": append_to_file,
    "anchor:syslog": tell_syslog,
    "anchor:s3": put_object,
}
