"""What every document says: its head, the error body, and answers that any route may give."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from authplane.core.http import JSON, PROBLEM
from authplane.core.openapi.shapes import TEXT, Schema, members, named, said

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

VERSION: Final = "3.1.0"
DOCUMENT_VERSION: Final = "1.0.0"
"""Of the interface, not of the program: it changes when callers have to."""

EXAMPLE_ISSUER: Final = "https://auth.example.com"

PROBLEM_SCHEMA: Final[Schema] = {
    **members(
        {
            "error": said(TEXT, "The code by which programs decide."),
            "error_description": said(TEXT, "A sentence for people."),
            "type": said(TEXT, "Where the code is explained."),
            "title": said(TEXT, "The name of the status."),
            "detail": said(TEXT, "The same as `error_description`."),
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
        },
        about="A refusal, as OAuth clients (RFC 6749) and problem-details clients (RFC 9457) read"
        " it. Some carry further members.",
    ),
    "additionalProperties": True,
}
REFUSALS: Final = {
    400: ("BadRequest", "The request is not as it must be; every problem that was found is named."),
    401: ("Unauthorized", "The caller is not authenticated."),
    403: ("Forbidden", "The caller may not do this."),
    404: ("NotFound", "There is nothing of this name."),
    405: (
        "MethodNotAllowed",
        "The route does not know this method; `Allow` names those that it knows.",
    ),
    409: ("Conflict", "It conflicts with what there is, or was changed meanwhile."),
    412: ("PreconditionFailed", "It was changed since it was read."),
    413: ("ContentTooLarge", "The body is too large."),
    415: ("UnsupportedMediaType", "The body is of a media type that is not read here."),
    422: ("UnprocessableContent", "The same key was used for another request."),
    428: ("PreconditionRequired", "The request must say which version it is about."),
    429: ("TooManyRequests", "Too many requests; `Retry-After` says when to try again."),
    500: ("InternalServerError", "The server could not do it."),
    502: ("BadGateway", "The upstream service gave no usable answer."),
    503: ("ServiceUnavailable", "Not possible now; `Retry-After` says when to try again."),
}

EXAMPLE: Final = {
    "error": "invalid_request",
    "error_description": "email: this field is required",
    "type": f"{EXAMPLE_ISSUER}/docs/errors#invalid_request",
    "title": "Bad Request",
    "detail": "email: this field is required",
    "status": 400,
}


def json_answer(schema: Schema, about: str, *, example: Any = None, media: str = JSON) -> Schema:
    """A response with a body."""
    content: Schema = {"schema": schema}
    if example is not None:
        content["example"] = example
    return {"description": about, "content": {media: content}}


def empty_answer(about: str) -> Schema:
    """A response without a body."""
    return {"description": about}


def refusals(*statuses: int) -> Schema:
    """Responses with the error body."""
    return {
        str(status): {"$ref": f"#/components/responses/{_name(status)}"}
        for status in sorted(statuses)
    }


def document(
    *,
    title: str,
    about: str,
    issuer: str,
    paths: Mapping[str, Any],
    schemas: Mapping[str, Schema],
    security_schemes: Mapping[str, Schema],
    tags: Iterable[tuple[str, str]],
) -> dict[str, Any]:
    """The whole document.

    The first server is the one that it was read from, so that trying it out needs no other
    origin; the second one is for those who took the file elsewhere.
    """
    servers = [{"url": "/", "description": "The server that this document comes from"}]
    if issuer:
        servers.append({"url": issuer, "description": "The issuer"})
    whole = {
        "openapi": VERSION,
        "info": {"title": title, "version": DOCUMENT_VERSION, "description": about},
        "servers": servers,
        "tags": [{"name": name, "description": text} for name, text in tags],
        "paths": dict(sorted(paths.items())),
        "components": {
            "securitySchemes": dict(security_schemes),
            "schemas": dict(sorted({**schemas, "Problem": PROBLEM_SCHEMA}.items())),
            "responses": {_name(status): _refusal(status) for status in REFUSALS},
        },
    }
    # Plain values alone: names of enumerations are no text to every writer.
    plain: dict[str, Any] = json.loads(json.dumps(whole))
    return plain


def _name(status: int) -> str:
    """Our own, not the library's phrases, which change from one version to the next."""
    return REFUSALS[status][0]


def _refusal(status: int) -> Schema:
    name, about = REFUSALS[status]
    problem: Schema = {"schema": named("Problem")}
    shown = problem | ({"example": EXAMPLE} if name == "BadRequest" else {})
    return {"description": about, "content": {PROBLEM: shown, JSON: problem}}
