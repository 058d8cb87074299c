"""Bringing the newest checkpoint to every anchor. As each names the one before, it is enough."""

from __future__ import annotations

from typing import Any

from audit.anchors.places import PLACES, AnchorFailed
from audit.cursors import advance, cursor, fail
from audit.sealing.seal import last_seal
from audit.streams.names import active_anchors
from authplane.core.metrics import counter


def anchor_newest() -> dict[str, Any]:
    """Each configured anchor was offered the newest checkpoint that it does not have.

    One that fails is counted and tried again next time; it holds up neither sealing nor the others.
    """
    newest = last_seal()
    anchored, failed = [], []
    for name in active_anchors() if newest else ():
        row = cursor(name)
        if newest is None or row.seal >= newest.number:
            continue
        try:
            PLACES[name](newest)
        except AnchorFailed as error:
            counter("authplane_audit_anchor_failures_total").labels(
                anchor=name.partition(":")[2]
            ).inc()
            fail(row, str(error))
            failed.append(name)
        else:
            advance(row, seal=newest.number)
            anchored.append(name)
    return {"anchored": anchored, "failed": failed}
