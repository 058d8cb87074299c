"""What must hold about signing keys before the server answers."""

from __future__ import annotations

from typing import Any

from django.core import checks
from django.db import DatabaseError

from oauth.keys import rotation
from oauth.keys.record import KeyUnavailable


@checks.register(checks.Tags.database)
def check_signing_key(**_: Any) -> list[checks.CheckMessage]:
    """The key that signs can be opened with the configured data key.

    A database that cannot be asked, or has no tables yet, is not this check's business.
    """
    try:
        rotation.require_usable_key()
    except KeyUnavailable as error:
        return [checks.Critical(str(error), id="authplane.E010")]
    except DatabaseError:
        return []
    return []
