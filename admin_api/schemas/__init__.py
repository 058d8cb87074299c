"""What the operator API answers and reads: one JSON Schema for each name that an operation says.

`answers="User"` of an operation is a name of `SCHEMAS`; what a route reads without a serializer
is described in `admin_api.schemas.bodies`. Tests hold both against what the code does.
"""

from __future__ import annotations

from typing import Final

from admin_api.schemas import (
    administrators,
    audit,
    broker,
    configuration,
    identities,
    issued,
    oauth,
)
from authplane.core.openapi.shapes import Schema

SCHEMAS: Final[dict[str, Schema]] = {
    **identities.SCHEMAS,
    **oauth.SCHEMAS,
    **broker.SCHEMAS,
    **administrators.SCHEMAS,
    **audit.SCHEMAS,
    **issued.SCHEMAS,
    **configuration.SCHEMAS,
}
