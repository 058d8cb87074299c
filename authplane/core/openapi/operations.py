"""Writing down an operation of a route that no framework describes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from authplane.core.forms import FORM
from authplane.core.http import JSON
from authplane.core.openapi.document import refusals
from authplane.core.openapi.shapes import TEXT, Schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

OPEN: Final[tuple[str, ...]] = ()
"""Nobody has to prove anything."""

ALWAYS: Final = (429,)


def operation(
    name: str,
    summary: str,
    *,
    tag: str,
    answers: Schema,
    refused: Sequence[int] = (),
    security: Sequence[str] = OPEN,
    anonymous: bool = False,
    parameters: Iterable[Schema] = (),
    body: Schema | None = None,
    about: str = "",
) -> dict[str, Any]:
    """One operation. Each of ``security`` is enough; ``anonymous`` callers are answered as well."""
    told: dict[str, Any] = {
        "operationId": name,
        "summary": summary,
        "tags": [tag],
        "security": [{scheme: []} for scheme in security] + ([{}] if anonymous else []),
        "responses": dict(sorted({**answers, **refusals(*ALWAYS, *refused)}.items())),
    }
    if about:
        told["description"] = about
    if parameters := list(parameters):
        told["parameters"] = parameters
    return told | ({"requestBody": body} if body else {})


def form(schema: Schema, *, json_too: bool = False, example: Schema | None = None) -> Schema:
    """A body that is a form, and where ``json_too`` also a flat JSON object."""
    content: Schema = {"schema": schema} | ({"example": example} if example else {})
    return {"required": True, "content": {FORM: content} | ({JSON: content} if json_too else {})}


def json_body(schema: Schema, *, example: Schema | None = None) -> Schema:
    """A body that is a JSON object."""
    content: Schema = {"schema": schema} | ({"example": example} if example else {})
    return {"required": True, "content": {JSON: content}}


def in_path(name: str, schema: Schema = TEXT, about: str = "") -> Schema:
    """A part of the path."""
    told: Schema = {"name": name, "in": "path", "required": True, "schema": schema}
    return told | ({"description": about} if about else {})


def in_query(name: str, schema: Schema = TEXT, about: str = "") -> Schema:
    """A parameter of the query."""
    told: Schema = {"name": name, "in": "query", "schema": schema}
    return told | ({"description": about} if about else {})


def in_header(name: str, schema: Schema = TEXT, about: str = "") -> Schema:
    """A header of the request."""
    return {"name": name, "in": "header", "schema": schema, "description": about}


def again(told: dict[str, Any], *, of: str) -> dict[str, Any]:
    """The same operations at another address, for clients that look there."""
    return {
        method: {
            **one,
            "operationId": f"{one['operationId']}_alias",
            "summary": f"The same as `{of}`.",
            "deprecated": True,
        }
        for method, one in told.items()
    }
