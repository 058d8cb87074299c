"""What is measured of the audit record: that it is sealed, verified, anchored and passed on."""

from __future__ import annotations

from typing import Final

COUNTERS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "authplane_audit_rows_sealed_total": ("Rows of the audit record that were sealed.", ()),
    "authplane_audit_anchor_failures_total": (
        "Checkpoints that an anchor did not take.", ("anchor",),
    ),
    "authplane_audit_stream_failures_total": (
        "Times that a stream of the record was not taken.", ("stream",),
    ),
}  # fmt: skip

GAUGES: Final[dict[str, str]] = {
    "authplane_audit_sealing_lag_seconds": "Age of the oldest row of the record in no batch.",
    "authplane_audit_last_verified_timestamp_seconds": "When the record was last verified.",
    "authplane_audit_verify_findings": "What the last verification of the record found wrong.",
}
