"""What operations answer, for the specification."""

from __future__ import annotations

from typing import Final

from admin_api.operations import Operation
from admin_api.schemas import SCHEMAS, examples
from authplane.core.openapi.document import empty_answer, json_answer, refusals
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

NO_CONTENT: Final = 204
CREATED: Final = 201
ALWAYS: Final = (401, 403, 429, 503)

UNAVAILABLE: Final = frozenset({"Rotation", "SigningKey"})
"""What cannot be told where the keys cannot be opened: a fault of the deployment."""

BESIDE: Final[dict[str, Schema]] = {
    "issuances": {"since": MOMENT, "count": COUNT},
}
"""What stands beside the members of a list."""


def answers_of(path: str, said_of_it: Operation, *, reads: bool) -> Schema:
    """Responses by status: the success, and every refusal that the route may give."""
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
