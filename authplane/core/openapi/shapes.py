"""Schemas in few words. What they make is JSON Schema 2020-12, as OpenAPI 3.1 has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

Schema = dict[str, Any]

TEXT: Final[Schema] = {"type": "string"}
ID: Final[Schema] = {"type": "string", "format": "uuid"}
MOMENT: Final[Schema] = {"type": "string", "format": "date-time"}
DAY: Final[Schema] = {"type": "string", "format": "date"}
FLAG: Final[Schema] = {"type": "boolean"}
COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
NUMBER: Final[Schema] = {"type": "number"}
SECONDS: Final[Schema] = {"type": "integer", "minimum": 0, "description": "Seconds."}
EPOCH: Final[Schema] = {"type": "integer", "description": "Seconds since 1970-01-01T00:00:00Z."}
ANY_OBJECT: Final[Schema] = {"type": "object", "additionalProperties": True}


def said(schema: Schema, description: str) -> Schema:
    """The same with a description."""
    return {**schema, "description": description}


def text(*, longest: int = 0, shortest: int = 0, pattern: str = "", about: str = "") -> Schema:
    """A string within these bounds."""
    schema: Schema = dict(TEXT)
    if shortest:
        schema["minLength"] = shortest
    if longest:
        schema["maxLength"] = longest
    if pattern:
        schema["pattern"] = pattern
    return said(schema, about) if about else schema


def one_of(*values: str) -> Schema:
    """One of these texts."""
    return {"type": "string", "enum": list(values)}


def many(of: Schema, *, most: int = 0) -> Schema:
    """A list."""
    return {"type": "array", "items": of} | ({"maxItems": most} if most else {})


def by_name(of: Schema) -> Schema:
    """An object whose members have any name."""
    return {"type": "object", "additionalProperties": of}


def maybe(schema: Schema) -> Schema:
    """The same, or null."""
    if "$ref" in schema or "enum" in schema:
        return {"anyOf": [schema, {"type": "null"}]}
    return {**schema, "type": [schema["type"], "null"]}


def members(
    required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None, *, about: str = ""
) -> Schema:
    """An object with these members and no others."""
    schema: Schema = {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "additionalProperties": False,
    }
    if required:
        schema["required"] = list(required)
    return said(schema, about) if about else schema


def open_members(
    required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None, *, about: str = ""
) -> Schema:
    """An object with these members, where standards may add others."""
    return {**members(required, optional, about=about), "additionalProperties": True}


def named(name: str) -> Schema:
    """The component of this name."""
    return {"$ref": f"#/components/schemas/{name}"}
