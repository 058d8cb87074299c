"""Routes that both listeners have, or that are about the server itself."""

from __future__ import annotations

from typing import Any, Final

from authplane.core.openapi.document import empty_answer, json_answer, refusals
from authplane.core.openapi.shapes import MOMENT, Schema, members, one_of

LIVE: Final[Schema] = {
    "get": {
        "operationId": "livez",
        "summary": "Whether the process can answer. It touches nothing else.",
        "tags": ["server"],
        "security": [],
        "responses": {
            "200": json_answer(
                members({"status": one_of("alive"), "time": MOMENT}), "The process is alive."
            ),
        },
    }
}
METRICS: Final[Schema] = {
    "get": {
        "operationId": "metrics",
        "summary": "The metrics of all processes of this replica, for Prometheus.",
        "tags": ["server"],
        "security": [{"metricsPassword": []}],
        "responses": {
            "200": {"description": "Metrics.", "content": {"text/plain": {"schema": {}}}},
            **refusals(401, 429),
        },
    }
}


def about_itself(title: str) -> dict[str, Any]:
    """The routes by which a listener describes itself."""
    document = {"description": f"The {title}, in OpenAPI 3.1."}
    return {
        "/openapi.yaml": _served("openapi_yaml", {**document, "content": {YAML: {"schema": {}}}}),
        "/openapi.json": _served("openapi_json", {**document, "content": {JSON: {"schema": {}}}}),
        "/docs/api": _served(
            "reference",
            {"description": "This reference as a page.", "content": {"text/html": {"schema": {}}}},
        ),
        "/livez": LIVE,
    }


def _served(name: str, answer: Schema) -> Schema:
    return {
        "get": {
            "operationId": name,
            "summary": "What this listener can do.",
            "tags": ["server"],
            "security": [],
            "responses": {"200": answer, "304": empty_answer("Not modified."), **refusals(429)},
        }
    }


YAML: Final = "application/yaml"
JSON: Final = "application/json"
OPERATOR_PATHS: Final = {**about_itself("operator API"), "/metrics": METRICS}
