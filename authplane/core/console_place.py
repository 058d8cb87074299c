"""Which deployment the console belongs to, so that nobody works on the wrong one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from authplane.core.config import config
from authplane.core.validation import is_localhost_issuer

_REHEARSAL: Final = re.compile(
    r"(^|[.-])(dev|development|test|testing|qa|uat|stage|staging|sandbox|demo|preview)\d*([.-]|$)"
)


@dataclass(frozen=True, slots=True)
class Place:
    """The issuer's host, and what kind of deployment it looks like."""

    host: str
    kind: str
    is_production: bool


def place() -> Place:
    """Told from the issuer: what is on this machine, or named as a rehearsal, is not production."""
    issuer = config().server.issuer
    host = urlsplit(issuer).netloc
    if is_localhost_issuer(issuer):
        return Place(host, "local", is_production=False)
    rehearsal = _REHEARSAL.search(host.lower())
    if rehearsal:
        return Place(host, rehearsal[2], is_production=False)
    return Place(host, "production", is_production=True)
