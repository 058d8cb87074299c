"""A request that is sent again gets the first one's answer instead of a second effect.

Spec: draft-ietf-httpapi-idempotency-key-header-07 sections 2 and 3.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import nullcontext
from datetime import timedelta
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request

from admin_api.exceptions import Conflict, Invalid, Refused
from authplane.core import clock
from authplane.core.config import config
from authplane.core.crypto import CryptoError, open_under, seal_under
from authplane.core.hashing import b64url, constant_time_equals, sha256
from authplane.core.http import JSON
from authplane.core.models import KeptAnswer

HEADER: Final = "HTTP_IDEMPOTENCY_KEY"
REPLAYED: Final = "Idempotency-Replayed"
LIFETIME: Final = timedelta(days=1)
LEASE: Final = timedelta(minutes=2)
_KEY: Final = re.compile(r"[\x21-\x7e]{16,255}")
_CONTEXT: Final = "core_keptanswer.sealed"
_SUCCESS: Final = range(200, 300)

Answering = Callable[..., HttpResponseBase]


def answered_once(
    request: Request, answering: Answering, *, caller: str, calls_out: bool = False
) -> Answering:
    """``answering``, or the answer that the same request of the same caller got before.

    Effect and kept answer are committed together: whatever fails, or is refused, keeps nothing
    and may be tried again under the same key. A second request that comes while the first is
    being answered waits for it.

    What ``calls_out`` to other servers holds no transaction meanwhile: a second request is then
    refused until the first is answered, and after a crash in between for two minutes.

    Raises: Invalid for a key that could be guessed or is no key at all.
    """
    key: str = request.META.get(HEADER, "")
    if not key:
        return answering
    if not _KEY.fullmatch(key):
        raise Invalid("Idempotency-Key must be 16 to 255 printable characters without spaces")
    digest = _digest(caller, request.method or "", request.path, key)
    fingerprint = _digest(request.META.get("QUERY_STRING", ""), request._request.body.hex())  # noqa: SLF001 - DRF keeps it there

    def answer(*args: Any, **kwargs: Any) -> HttpResponseBase:
        kept = KeptAnswer.objects.filter(digest=digest, expires_at__gt=clock.now()).first()
        if kept is not None:
            return _again(kept, key=key, fingerprint=fingerprint)
        try:
            with nullcontext() if calls_out else transaction.atomic():
                row = _reserve(digest, fingerprint)
                response = _answer(answering, row, *args, **kwargs)
                _keep(row, response, key=key)
        except _TakenError:
            kept = KeptAnswer.objects.filter(digest=digest).first()
            if kept is None:
                raise Conflict("the request with this Idempotency-Key is being answered") from None
            return _again(kept, key=key, fingerprint=fingerprint)
        return response

    return answer


class _TakenError(Exception):
    """Another request with this key came first."""


def _answer(answering: Answering, row: KeptAnswer, *args: Any, **kwargs: Any) -> HttpResponseBase:
    """Whoever failed may try again at once, also where no transaction takes the row back."""
    try:
        return answering(*args, **kwargs)
    except BaseException:
        if not transaction.get_connection().in_atomic_block:
            row.delete()
        raise


def _reserve(digest: str, fingerprint: str) -> KeptAnswer:
    """The row of this request alone; others wait here until the transaction ends."""
    now = clock.now()
    KeptAnswer.objects.filter(digest=digest, expires_at__lte=now).delete()
    row = KeptAnswer(digest=digest, fingerprint=fingerprint, expires_at=now + LEASE)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        raise _TakenError from None
    return row


def _keep(row: KeptAnswer, response: HttpResponseBase, *, key: str) -> None:
    """The answer of a success; nothing else is worth keeping."""
    if response.status_code not in _SUCCESS or not isinstance(response, HttpResponse):
        row.delete()
        return
    location = response.headers.get("Location", "")
    etag = response.headers.get("ETag", "")
    content = json.dumps([response.content.decode(), location, etag]).encode()
    row.status, row.expires_at = response.status_code, clock.now() + LIFETIME
    row.sealed = seal_under(_secret(key), content, context=f"{_CONTEXT}:{row.digest}")
    row.save(update_fields=["status", "sealed", "expires_at"])


def _again(kept: KeptAnswer, *, key: str, fingerprint: str) -> HttpResponse:
    """The kept answer.

    Raises: Refused when the key belongs to another request.
    """
    if not constant_time_equals(kept.fingerprint, fingerprint):
        raise Refused(
            status=422, error="invalid_request",
            text="this Idempotency-Key was used for another request",
        )  # fmt: skip
    if kept.status is None:
        raise Conflict("the request with this Idempotency-Key is being answered")
    try:
        content = open_under(
            _secret(key), bytes(kept.sealed or b""), context=f"{_CONTEXT}:{kept.digest}"
        )
    except CryptoError:
        raise Conflict("the answer to this Idempotency-Key cannot be repeated") from None
    body, location, etag = json.loads(content)
    response = HttpResponse(body, status=kept.status, content_type=JSON)
    response.headers["Cache-Control"] = "no-store"
    response.headers[REPLAYED] = "true"
    for name, value in (("Location", location), ("ETag", etag)):
        if value:
            response.headers[name] = value
    return response


def _secret(key: str) -> str:
    """Keys are callers' own and may be poor; ours beside it makes the database alone useless."""
    return f"{config().secrets.pepper}:{key}"


def _digest(*parts: str) -> str:
    return b64url(sha256(json.dumps(parts)))
