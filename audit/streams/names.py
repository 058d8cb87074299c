"""Which streams and anchors are configured."""

from __future__ import annotations

from authplane.core.config import config


def active_streams() -> list[str]:
    """The names under which the cursors of configured streams stand."""
    audit = config().audit
    given = {"stream:otlp": audit.otlp_endpoint, "stream:cef": audit.cef_address}
    return [name for name, value in given.items() if value]


def active_anchors() -> list[str]:
    """The same of anchors."""
    audit = config().audit
    given = {
        "anchor:file": audit.anchor_file,
        "anchor:syslog": audit.anchor_syslog,
        "anchor:s3": audit.anchor_s3_endpoint,
    }
    return [name for name, value in given.items() if value]
