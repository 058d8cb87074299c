"""The OpenAPI document of the operator API, built from what its operations say of themselves."""

from __future__ import annotations

from functools import cache
from typing import Any, Final, cast

from django.urls import include, path
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ComponentRegistry, ResolvedComponent

from admin_api.answers import answers_of
from admin_api.operations import Operation, described, routed
from admin_api.parameters import IF_MATCH, names_in, parameters_of
from admin_api.preconditions import Versioned
from admin_api.schemas import SCHEMAS, examples
from admin_api.schemas.bodies import BODIES
from authplane.core.http import JSON
from authplane.core.openapi.document import document, refusals
from authplane.core.openapi.shapes import Schema, named
from authplane.core.openapi.system import OPERATOR_PATHS
from broker.specification import forward_auth

KEY: Final = "operatorKey"
ABOUT: Final = (
    "Everything an operator may do, on the operator listener only. Each request carries the "
    "operator key. Bodies are JSON objects; members that nobody reads are refused, and every "
    "problem of a body is told in one answer. Lists come in an envelope keyed by their noun."
)


@cache
def operator_document(issuer: str = "") -> dict[str, Any]:
    """The document. The same object each time: nobody may change it."""
    generator: Any = _generator(patterns=[path("admin/", include("admin_api.urls"))])
    paths = generator.parse(None, public=True)
    read = generator.registry.build({}).get("schemas", {})
    return document(
        title="Operator API",
        about=ABOUT,
        issuer=issuer,
        paths={**paths, **forward_auth.PATHS, **OPERATOR_PATHS},
        schemas={**SCHEMAS, **{name: _closed(schema) for name, schema in read.items()}},
        security_schemes={
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
            **forward_auth.SCHEMES,
        },
        tags=_tags(paths),
    )


class OperatorSchema(AutoSchema):
    """Reads `admin_api.operations` instead of serializer classes and model fields."""

    view: Any

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
        operation: dict[str, Any] = {
            "operationId": self._name(),
            "summary": said_of_it.summary,
            "description": _description(self.view, said_of_it),
            "tags": [_noun(path)],
            "parameters": parameters_of(path, said_of_it, method=self.method),
            "security": [{KEY: []}],
            "responses": answers_of(path, said_of_it, reads=body is not None),
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
        return set(names_in(self.path)) == set(versioned.columns)

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
            name = self.resolve_serializer(cast("Any", said_of_it.reads), "request").name or ""
        elif written is not None:
            name = written[0]
            component = _component(name=name, type=ResolvedComponent.SCHEMA, object=name)
            component.schema = written[1]
            if component not in self.registry:
                self.registry.register(component)
        else:
            return None
        content: Schema = {"schema": named(name)}
        if name in examples.BODIES:
            content["example"] = examples.BODIES[name]
        needed = name not in OPTIONAL_BODIES
        return {"required": needed, "content": dict.fromkeys(said_of_it.takes or (JSON,), content)}


# The library leaves these without types.
_generator: Any = SchemaGenerator
_component: Any = ResolvedComponent
OPTIONAL_BODIES: Final = frozenset({"RotateSecret"})


def _description(view: Any, said_of_it: Operation) -> str:
    """The whole docstring, the role that it takes, and what the audit record then has."""
    method = getattr(type(view), view.action)
    lines = [line.strip() for line in (method.__doc__ or "").strip().splitlines()]
    told = [" ".join(filter(None, lines)), f"Takes the role `{said_of_it.role.value}`."]
    if said_of_it.events:
        told.append(f"Recorded as {', '.join(f'`{event}`' for event in said_of_it.events)}.")
    return "\n\n".join(told)


def _closed(schema: Schema) -> Schema:
    """Serializers of bodies refuse what they do not know."""
    return {**schema, "additionalProperties": False} if "properties" in schema else schema


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
