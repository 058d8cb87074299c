"""The generated pages by file name."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

from admin_api.specification import operator_document
from audit.events import CATALOGUE
from authplane.core import metrics
from authplane.core.openapi.document import EXAMPLE_ISSUER
from authplane.core.openapi.serving import as_yaml
from authplane.core.reference import configuration_reference
from authplane.reference.schema import storage_schema
from broker.specification.public import public_document
from oauth.error_reference import entries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def errors() -> str:
    """Every error code, for callers and for operators."""
    return "\n".join(_errors())


def _errors() -> Iterator[str]:
    yield "# Error codes"
    yield ""
    yield "Every refusal carries one of these codes in `error` and a constant sentence in"
    yield "`error_description`. The `type` member links to the same text on the server itself, at"
    yield "`/docs/errors`. The reasons are private: they stand in the log and in the audit record,"
    yield "so that an operator can tell apart what a stranger must not."
    for entry in entries():
        yield ""
        yield f"## {entry.code}"
        yield ""
        yield entry.advice.meaning
        yield ""
        yield f"- Status: {', '.join(map(str, entry.statuses))}"
        yield f"- Try again: {entry.advice.retry.lower()}"
        yield f"- What to do: {entry.advice.remedy}"
        yield f"- Descriptions: {'; '.join(entry.descriptions)}"
        if entry.reasons:
            yield f"- Private reasons: {', '.join(f'`{reason}`' for reason in entry.reasons)}"


def metric_catalogue() -> str:
    """Every metric of ours."""
    return "\n".join(_metrics())


def _metrics() -> Iterator[str]:
    yield "# Metrics"
    yield ""
    yield "Served at `/metrics` on the operator listener, behind `METRICS_USERNAME` and"
    yield "`METRICS_PASSWORD`, summed over all processes of the replica. Gauges are read from the"
    yield "database when they are asked for. The standard metrics of the database layer and of the"
    yield "Python process are served beside these."
    for title, declared in (("Counters", metrics.COUNTERS), ("Histograms", metrics.HISTOGRAMS)):
        yield ""
        yield f"## {title}"
        yield ""
        yield "| Name | Labels | Meaning |"
        yield "|---|---|---|"
        for name, (meaning, labels) in sorted(declared.items()):
            shown = ", ".join(f"`{label}`" for label in labels) or "-"
            yield f"| `{name}` | {shown} | {meaning} |"
    yield ""
    yield "## Gauges"
    yield ""
    yield "| Name | Meaning |"
    yield "|---|---|"
    for name, meaning in sorted(metrics.GAUGES.items()):
        yield f"| `{name}` | {meaning} |"


def audit_events() -> str:
    """Everything that can be recorded."""
    return "\n".join(_audit_events())


def _audit_events() -> Iterator[str]:
    yield "# Audit events"
    yield ""
    yield "The closed list of what is recorded. Each row also has its id, time, actor, client and"
    yield "request id. The caller's address stands apart from the detail and can be erased without"
    yield "breaking the record. Members in brackets are left out when they are empty."
    yield ""
    yield "| Action | Detail | When |"
    yield "|---|---|---|"
    for action, event in sorted(CATALOGUE.items()):
        members = [f"`{name}`" for name in event.required]
        members += [f"[`{name}`]" for name in event.optional]
        meaning = " ".join((inspect.getdoc(event) or "").split())
        yield f"| `{action}` | {', '.join(members) or '-'} | {meaning} |"


def operator_interface() -> str:
    """The document of the operator listener."""
    return as_yaml(operator_document())


def public_interface() -> str:
    """The document of the public listener, of an issuer that stands for any."""
    return as_yaml(public_document(EXAMPLE_ISSUER))


PAGES: dict[str, Callable[[], str]] = {
    "audit-events.md": audit_events,
    "configuration.md": configuration_reference,
    "errors.md": errors,
    "metrics.md": metric_catalogue,
    "openapi-operator.yaml": operator_interface,
    "openapi-public.yaml": public_interface,
    "storage-schema.md": storage_schema,
}
