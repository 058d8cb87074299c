"""The OpenAPI document of the operator API, built from what its operations say of themselves."""

from __future__ import annotations

from functools import cache
from typing import Any, ClassVar, Final, cast

from django.urls import include, path
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ComponentRegistry, ResolvedComponent

from admin_api.operations import Operation, described, routed
from admin_api.pagination import MAX_LIMIT, MAX_OFFSET
from admin_api.parameters import QUERY
from admin_api.preconditions import Versioned
from admin_api.schemas import SCHEMAS, examples
from admin_api.schemas.bodies import BODIES
from authplane.core.http import JSON
from authplane.core.openapi.document import document, empty_answer, json_answer, refusals
from authplane.core.openapi.shapes import (
    COUNT,
    FLAG,
    MOMENT,
    TEXT,
    Schema,
    many,
    maybe,
    members,
    named,
    said,
)
from authplane.core.openapi.system import OPERATOR_PATHS
from broker.specification import forward_auth

KEY: Final = "operatorKey"
ALWAYS: Final = (401, 403, 429, 503)
ABOUT: Final = (
    "Everything an operator may do, on the operator listener only. Each request carries the "
    "operator key. Bodies are JSON objects; members that nobody reads are refused, and every "
    "problem of a body is told in one answer. Lists come in an envelope keyed by their noun."
)
NO_CONTENT: Final = 204
CREATED: Final = 201


@cache
def operator_document(issuer: str = "") -> dict[str, Any]:
    """The document. The same object each time: nobody may change it."""
    generator = SchemaGenerator(patterns=[path("admin/", include("admin_api.urls"))])
    paths = generator.parse(None, public=True)
    read = generator.registry.build({}).get("schemas", {})
    return document(
        title="Operator API",
        about=ABOUT,
        issuer=issuer,
        paths={**paths, **forward_auth.PATHS, **OPERATOR_PATHS},
        schemas={**SCHEMAS, **{name: _closed(schema) for name, schema in read.items()}},
        security_schemes={
            **forward_auth.SCHEMES,
            KEY: {
                "type": "http",
                "scheme": "bearer",
                "description": "The operator key, `AUTHPLANE_ADMIN_API_KEY`, or a key of your own.",
            },
            "metricsPassword": {
                "type": "http",
                "scheme": "basic",
                "description": "`METRICS_USERNAME` and `METRICS_PASSWORD`.",
            },
        },
        tags=_tags(paths),
    )


class OperatorSchema(AutoSchema):
    """Reads `admin_api.operations` instead of serializer classes and model fields."""

    method_names: ClassVar[dict[str, str]] = {}

    def get_operation(
        self, path: str, path_regex: str, path_prefix: str, method: str, registry: ComponentRegistry
    ) -> dict[str, Any] | None:
        """The operation; None for a method that says nothing of itself."""
        self.registry, self.path, self.path_regex = registry, path, path_regex
        self.path_prefix, self.method = path_prefix, method.upper()
        said_of_it = described(getattr(type(self.view), self.view.action))
        if said_of_it is None:
            return None
        body = self._body(said_of_it)
        operation = {
            "operationId": self._name(),
            "summary": said_of_it.summary,
            "description": _description(self.view, said_of_it),
            "tags": [_noun(path)],
            "parameters": _parameters(path, said_of_it, method=self.method),
            "security": [{KEY: []}],
            "responses": _responses(path, said_of_it, reads=body is not None),
        }
        if self._is_conditional():
            operation["parameters"].append(IF_MATCH)
            operation["responses"] |= refusals(412)
        return operation | ({"requestBody": body} if body else {})

    def _is_conditional(self) -> bool:
        """Whether `If-Match` counts: the route changes one row that has versions."""
        versioned: Versioned | None = getattr(type(self.view), "versioned", None)
        if versioned is None or self.method not in {"PUT", "PATCH", "DELETE"}:
            return False
        return set(_names_in(self.path)) == set(versioned.columns)

    def _name(self) -> str:
        """Unique, also where PUT does what PATCH does."""
        name = f"{type(self.view).__name__}_{self.view.action}"
        methods = [method for method, action in self.view.action_map.items()
                   if action == self.view.action and method != "head"]  # fmt: skip
        return f"{name}_put" if self.method == "PUT" and len(methods) > 1 else name

    def _body(self, said_of_it: Operation) -> Schema | None:
        """What the route reads, by its serializer or by what the services know."""
        written = BODIES.get((type(self.view).__name__, self.view.action))
        if said_of_it.reads is not None:
            name = cast("str", self.resolve_serializer(said_of_it.reads, "request").name)
        elif written is not None:
            name = written[0]
            component = ResolvedComponent(name=name, type=ResolvedComponent.SCHEMA, object=name)
            component.schema = written[1]
            if component not in self.registry:
                self.registry.register(component)
        else:
            return None
        content: Schema = {"schema": named(name)}
        if name in examples.BODIES:
            content["example"] = examples.BODIES[name]
        needed = name not in OPTIONAL_BODIES
        return {"required": needed, "content": {JSON: content}}


OPTIONAL_BODIES: Final = frozenset({"RotateSecret"})


def _description(view: Any, said_of_it: Operation) -> str:
    """The whole docstring, the role that it takes, and what the audit record then has."""
    method = getattr(type(view), view.action)
    lines = [line.strip() for line in (method.__doc__ or "").strip().splitlines()]
    told = [" ".join(filter(None, lines)), f"Takes the role `{said_of_it.role.value}`."]
    if said_of_it.events:
        told.append(f"Recorded as {', '.join(f'`{event}`' for event in said_of_it.events)}.")
    return "\n\n".join(told)


def _parameters(path: str, said_of_it: Operation, *, method: str) -> list[Schema]:
    found = [
        {"name": name, "in": "path", "required": True, "schema": {**TEXT, "minLength": 1}}
        for name in _names_in(path)
    ]
    names = [*said_of_it.query, *(PAGING if said_of_it.listed else ())]
    found += [{"name": name, "in": "query", **_query(name)} for name in dict.fromkeys(names)]
    if method == "POST":
        found.append(IDEMPOTENCY_KEY)
    return found


def _query(name: str) -> Schema:
    return PAGING.get(name) or QUERY.get(name) or {"schema": TEXT}


def _responses(path: str, said_of_it: Operation, *, reads: bool) -> Schema:
    answers: Schema = {}
    success = said_of_it.status
    if not said_of_it.answers and success == NO_CONTENT:
        answers[str(success)] = empty_answer("Done.")
    else:
        shown = json_answer(
            _answer_schema(said_of_it),
            said_of_it.summary,
            example=examples.ANSWERS.get("" if said_of_it.listed else said_of_it.answers),
        )
        if said_of_it.media:
            content = {kind: {"schema": _answer_schema(said_of_it)} for kind in said_of_it.media}
            shown = {**shown, "content": content}
        answers[str(success)] = shown
        if "dry_run" in said_of_it.query and success == CREATED:
            answers["200"] = {**shown, "description": "What would be made."}
    statuses = {*ALWAYS, 400}
    if "{" in path or "slug" in said_of_it.query or reads:
        statuses.add(404)
    if said_of_it.answers in UNAVAILABLE:
        statuses.add(500)
    if said_of_it.events:
        statuses |= {409, 422}
    if reads:
        statuses.add(413)
    return dict(sorted({**answers, **refusals(*statuses)}.items()))


UNAVAILABLE: Final = frozenset({"Rotation", "SigningKey"})
"""What cannot be told where the keys cannot be opened: a fault of the deployment."""

BESIDE: Final[dict[str, Schema]] = {
    "issuances": {"since": MOMENT, "count": COUNT},
}
"""What stands beside the members of a list."""


def _answer_schema(said_of_it: Operation) -> Schema:
    """One view, or a page of them. `slug` of a list asks for one alone, without the envelope."""
    one = named(said_of_it.answers) if said_of_it.answers in SCHEMAS else {"type": "object"}
    if not said_of_it.listed:
        return one
    page = members(
        {
            said_of_it.listed: many(one),
            "total": said(COUNT, "How many there are on all pages."),
            "next_cursor": said(maybe(TEXT), "For the next page; null on the last one."),
        },
        {
            "total_is_minimum": said(FLAG, "There are more than `total`: nobody counted them."),
            **BESIDE.get(said_of_it.listed, {}),
        },
    )
    return {"anyOf": [page, one]} if "slug" in said_of_it.query else page


def _closed(schema: Schema) -> Schema:
    """Serializers of bodies refuse what they do not know."""
    return {**schema, "additionalProperties": False} if "properties" in schema else schema


def _names_in(path: str) -> list[str]:
    return [part.partition("}")[0] for part in path.split("{")[1:]]


def _noun(path: str) -> str:
    return path.removeprefix("/admin/").partition("/")[0]


def _tags(paths: Schema) -> list[tuple[str, str]]:
    """The nouns, each with what its first viewset says of itself."""
    told: dict[str, str] = {}
    for _, place, view, _ in routed():
        told.setdefault(_noun(place), (view.__doc__ or "").strip().partition("\n")[0])
    nouns = sorted({_noun(path) for path in paths})
    return [*((noun, told[noun]) for noun in nouns), SYSTEM_TAG]


SYSTEM_TAG: Final = ("server", "The server itself")
PAGING: Final[dict[str, Schema]] = {
    "limit": {
        "schema": {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT},
        "description": "How many at most.",
    },
    "offset": {
        "schema": {"type": "integer", "minimum": 0, "maximum": MAX_OFFSET},
        "description": "How many to leave out. Not together with `cursor`.",
    },
    "cursor": {"schema": TEXT, "description": "`next_cursor` of the page before."},
}
IF_MATCH: Final[Schema] = {
    "name": "If-Match",
    "in": "header",
    "schema": TEXT,
    "description": "The `ETag` that the entry was read with: it is changed only while it is still"
    " the same.",
}
IDEMPOTENCY_KEY: Final[Schema] = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": {"type": "string", "pattern": "^[!-~]{16,255}$"},
    "description": "The same request, sent again under the same key within a day, has its effect"
    " once and gets the first one's answer.",
}
