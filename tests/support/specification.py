"""Holds real answers against an OpenAPI document: status, media type, body."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker, SchemaError

REFUSED, FAULT = 400, 500
UNROUTED = {401, 404, 405, 429}
"""What is answered where there is no route, or none for this method."""


class Specification:
    """A document whose operations can be looked up by what was really requested."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        # Literal parts first, as the URLconf has them.
        paths = sorted(document["paths"], key=lambda path: (path.count("{"), -len(path)))
        self.paths = [(re.compile(_pattern(path)), path) for path in paths]
        self.validators: dict[str, Draft202012Validator] = {}

    def operation(self, method: str, path: str) -> tuple[str, dict[str, Any]] | None:
        """The documented path and operation of a request; None when there is none."""
        for pattern, name in self.paths:
            found = self.document["paths"][name].get(method.lower())
            if found is not None and pattern.fullmatch(path):
                return name, found
        return None

    def require_documented(self, method: str, answer: Any) -> None:
        """The answer of a test client is one that the document has; other routes answer errors."""
        path, status = answer.wsgi_request.path_info, answer.status_code
        if self.operation(method, path) is None:
            assert status in UNROUTED, f"{method} {path} answers {status} and is not documented"
            return
        media = answer.headers.get("Content-Type", "")
        body = b"" if answer.streaming else answer.content
        assert [] == self.problems(method, path, status=status, media=media, body=body)

    def problems(
        self, method: str, path: str, *, status: int, media: str, body: bytes
    ) -> list[str]:
        """What the answer has that the document does not say."""
        found = self.operation(method, path)
        if found is None:
            return [f"{method} {path} is not in the document"]
        name, operation = found
        place = f"{method} {name} {status}"
        told = operation["responses"].get(str(status))
        if told is None:
            return [f"{place} is not documented"]
        told = self.resolved(told)
        content = told.get("content")
        if content is None:
            return [f"{place} has a body"] if body else []
        kind = media.partition(";")[0]
        if kind not in content:
            return [f"{place} is of the media type {kind!r}"]
        if not kind.endswith("json"):
            return []
        return [
            f"{place}: {'.'.join(map(str, error.absolute_path))}: {error.message}"
            for error in self.validator(content[kind]["schema"]).iter_errors(json.loads(body))
        ]

    def resolved(self, part: dict[str, Any]) -> dict[str, Any]:
        """The part that a reference leads to."""
        found: Any = part
        while "$ref" in found:
            reference, found = found["$ref"], self.document
            for step in reference.removeprefix("#/").split("/"):
                found = found[step]
        return dict(found)

    def validator(self, schema: dict[str, Any]) -> Draft202012Validator:
        """One for each schema; references lead into the document."""
        key = json.dumps(schema, sort_keys=True)
        if key not in self.validators:
            whole = {**schema, "components": self.document["components"]}
            self.validators[key] = Draft202012Validator(whole, format_checker=FormatChecker())
        return self.validators[key]


@cache
def of_operators() -> Specification:
    """The operator API's."""
    from admin_api.specification import operator_document

    return Specification(operator_document())


@cache
def of_the_public() -> Specification:
    """The public interface's."""
    from broker.specification.public import public_document

    return Specification(public_document())


def require_documented_response(response: Any) -> None:
    """The answer is one that the document of the public interface has, where it has the route."""
    method, path = response.request.method, response.request.url.path
    specification = of_the_public()
    if specification.operation(method, path) is None:
        return
    media = response.headers.get("Content-Type", "")
    status, accept = response.status_code, response.request.headers.get("Accept", "")
    if status == FAULT or (status >= REFUSED and "text/html" in media and "html" in accept):
        # A fault that the test made; or a refusal as the page that the caller asked for.
        return
    body = response.read()
    assert [] == specification.problems(method, path, status=status, media=media, body=body)


def _pattern(path: str) -> str:
    """Ids of clients may hold slashes; no other parameter does."""
    parts = re.split(r"(\{\w+\})", path)
    return "".join(_part(part) if part.startswith("{") else re.escape(part) for part in parts)


def _part(parameter: str) -> str:
    return ".+" if parameter in {"{client_id}", "{tail}", "{reference}"} else "[^/]+"


def dangling(document: dict[str, Any]) -> set[str]:
    """References that lead nowhere."""
    known = {
        f"#/components/{kind}/{name}"
        for kind, parts in document["components"].items()
        for name in parts
    }
    return set(_references(document)) - known


def unused(document: dict[str, Any]) -> set[str]:
    """Schemas that nothing refers to."""
    told = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    return {name.rpartition("/")[2] for name in told - set(_references(document))}


def _references(part: Any) -> list[str]:
    if isinstance(part, dict):
        own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
        return own + [found for inner in part.values() for found in _references(inner)]
    if isinstance(part, list):
        return [found for inner in part for found in _references(inner)]
    return []


def bad_schemas(document: dict[str, Any]) -> list[str]:
    """Schemas that are none."""
    found = []
    for name, schema in document["components"]["schemas"].items():
        try:
            Draft202012Validator.check_schema(schema)
        except SchemaError as error:
            found.append(f"{name}: {error.message}")
    return found
