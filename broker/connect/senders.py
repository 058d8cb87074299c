"""Whether an answer comes from the service that was asked."""

from __future__ import annotations

from typing import Final

from authplane.core.hashing import constant_time_equals
from broker.models import ConnectState

ISS_PROMISED: Final = "iss_promised"
"""The member of a hop's context that says that each answer names its issuer."""


def is_from(row: ConnectState, *, unverified_issuer: str) -> bool:
    """Whether the answer names the issuer that was asked, where one is known.

    Spec: RFC 9207 section 2.4 (MUST: compare; MUST: refuse without `iss` where it is promised).
    """
    if not row.issuer:
        return True
    if not unverified_issuer:
        return not row.context.get(ISS_PROMISED)
    return constant_time_equals(unverified_issuer, row.issuer)
