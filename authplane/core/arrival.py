"""How a request looked when it arrived, told to whoever holds this deployment's integrity key.

`manage.py authplane doctor` asks through the issuer's own URL, and so learns what the proxies in
between do to a caller's address, and whether it reaches this deployment or another one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from django.core import signing
from django.http import Http404

from authplane.core import clock
from authplane.core.config import config
from authplane.core.http import json_response
from authplane.core.ids import uuid7
from authplane.core.network import client_address

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

PATH: Final = "/livez/arrival"
HEADER: Final = "X-Authplane-Probe"
SECONDS: Final = 60
_SALT: Final = "authplane.core.arrival"


def new_probe() -> str:
    """The value of the header, good for a minute. Empty without an integrity key."""
    return _signer().sign(str(uuid7())) if config().secrets.integrity else ""


def arrival(request: HttpRequest) -> HttpResponse:
    """``GET /livez/arrival``: addresses as they arrived; 404 for everybody without a probe.

    It would tell a stranger which proxies there are and how far their entries are believed.

    Raises: Http404.
    """
    try:
        if request.method != "GET" or not config().secrets.integrity:
            raise Http404
        _signer().unsign(request.headers.get(HEADER, ""), max_age=SECONDS)
    except signing.BadSignature:
        raise Http404 from None
    forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "")
    return json_response({
        "address": client_address(request),
        "peer": request.META.get("REMOTE_ADDR") or "",
        "forwarded_for": [entry.strip() for entry in forwarded.split(",") if entry.strip()],
        "trusted_proxies": config().server.trusted_proxies,
        "time": clock.now().timestamp(),
    })  # fmt: skip


def _signer() -> signing.TimestampSigner:
    secrets = config().secrets
    old: list[bytes | str] = [secrets.integrity_old] if secrets.integrity_old else []
    return signing.TimestampSigner(key=secrets.integrity, fallback_keys=old, salt=_SALT)
