"""Bodies of machine requests, read strictly: nothing is guessed, dropped or repaired."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from authplane.core.routes import DEFAULT_BODY

if TYPE_CHECKING:
    from django.http import HttpRequest

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
MAX_PARAMETERS = 100
BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")

Pairs = list[tuple[str, str]]


class BadBody(Exception):
    """A body that cannot be read: the HTTP status and a constant, public description."""

    def __init__(self, status: int, description: str) -> None:
        super().__init__(description)
        self.status = status
        self.description = description


def read_form(request: HttpRequest, *, limit: int = DEFAULT_BODY) -> Pairs:
    """The parameters in the order sent, repeated ones included.

    Spec: RFC 6749 appendix B: UTF-8, then form encoding.
    Raises: BadBody.
    """
    require_media_type(request, FORM)
    return parse_form(read_body(request, limit=limit))


def read_flat_json(request: HttpRequest, *, limit: int = DEFAULT_BODY) -> Pairs:
    """The members of one flat JSON object of strings, in the order sent.

    Raises: BadBody for any other shape, and for a name that occurs twice: which of two values
    counts would depend on the reader, and a check in front of us may read the other one.
    """
    require_media_type(request, JSON)
    try:
        document = json.loads(_decode(read_body(request, limit=limit)), object_pairs_hook=_Members)
    except (ValueError, RecursionError):
        raise BadBody(400, "the request body is not valid JSON") from None
    if not isinstance(document, _Members) or not all(
        isinstance(value, str) for _, value in document
    ):
        raise BadBody(400, "the request body must be one JSON object whose values are strings")
    names = [name for name, _ in document]
    if len(set(names)) != len(names):
        raise BadBody(400, "the request body names a member twice")
    _require_text(document)
    return _without_nul(list(document))


def read_parameters(request: HttpRequest, *, json_too: bool, limit: int = DEFAULT_BODY) -> Pairs:
    """The parameters of a form body or, where ``json_too``, of a flat JSON body.

    Raises: BadBody.
    """
    if json_too and request.content_type == JSON:
        return read_flat_json(request, limit=limit)
    return read_form(request, limit=limit)


def read_json_object(request: HttpRequest, *, limit: int) -> dict[str, Any]:
    """One JSON object of any depth, in which no object names a member twice.

    Raises: BadBody.
    """
    require_media_type(request, JSON)
    try:
        document = json.loads(
            _decode(read_body(request, limit=limit)),
            object_pairs_hook=_unique,
            parse_constant=_refuse_constant,
        )
    except (ValueError, RecursionError):
        raise BadBody(400, "the request body is not valid JSON") from None
    if not isinstance(document, dict):
        raise BadBody(400, "the request body must be a JSON object")
    _require_text(document)
    return document


def parse_form(body: bytes) -> Pairs:
    """The parameters of a form-encoded body.

    Raises: BadBody.
    """
    text = _decode(body)
    if BROKEN_ESCAPE.search(text):
        raise BadBody(400, "the request body is not valid form encoding")
    try:
        pairs = parse_qsl(
            text, keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMETERS
        )
    except ValueError:
        raise BadBody(400, "the request body is not valid form encoding") from None
    return _without_nul(pairs)


def read_body(request: HttpRequest, *, limit: int) -> bytes:
    """The raw body.

    The announced length is checked before anything is read.

    Raises: BadBody with status 413 when it is longer than ``limit``.
    """
    announced = request.META.get("CONTENT_LENGTH") or "0"
    if not announced.isdigit():
        raise BadBody(400, "the request has no valid length")
    if int(announced) > limit:
        raise BadBody(413, "the request body is too large")
    try:
        body = request.body
    except OSError:
        raise BadBody(400, "the request body ended early") from None
    if len(body) != int(announced):
        # A truncated secret or code is not the one that was sent.
        raise BadBody(400, "the request body ended early")
    return body


def require_media_type(request: HttpRequest, expected: str) -> None:
    """The body is declared as ``expected``, in UTF-8 if it says a character set at all.

    Raises: BadBody.
    """
    charset = (request.content_params or {}).get("charset", "utf-8")
    if request.content_type != expected or charset.strip('"').lower() not in {"utf-8", "utf8"}:
        raise BadBody(400, f"the content type must be {expected}")


class _Members(list[tuple[str, Any]]):
    """The members of a JSON object, not yet a dictionary, so that repetition stays visible."""


def _unique(members: list[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(members)
    if len(unique) != len(members):
        raise BadBody(400, "the request body names a member twice")
    return unique


def _refuse_constant(name: str) -> None:
    """NaN and the infinities are no JSON (RFC 8259 section 6)."""
    raise ValueError(name)


def _decode(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        raise BadBody(400, "the request body is not valid UTF-8") from None


def _require_text(document: Any) -> None:
    """Every text in it can be written as UTF-8.

    JSON can spell one half of a surrogate pair; neither a database nor a hash takes it.

    Raises: BadBody.
    """
    try:
        json.dumps(document, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise BadBody(400, "the request body is not valid UTF-8") from None


def _without_nul(pairs: Pairs) -> Pairs:
    """The same pairs; a NUL byte would end a string early in places behind us.

    Raises: BadBody.
    """
    for name, value in pairs:
        if "\x00" in name or "\x00" in value:
            raise BadBody(400, "the request body holds a NUL byte")
    return pairs
