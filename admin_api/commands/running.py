"""An operation runs in this process: the viewset of the route, by someone at the machine."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final
from urllib.parse import unquote, urlencode

from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from admin_api.administrators.operator import Operator
from admin_api.commands.catalogue import Command
from admin_api.operations import Role
from audit import record
from authplane.core.forms import JSON
from authplane.core.http import encode_json
from authplane.core.management.actor import command_actor

PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class Answer:
    """What the operator API would have answered; ``document`` is None unless it is an object.

    ``parts`` are those of a long answer, whose ``text`` is empty: a record of years fits no memory.
    """

    status: int
    text: str
    document: dict[str, Any] | None
    headers: Mapping[str, str]
    parts: Iterator[bytes] | None = None

    @property
    def ok(self) -> bool:
        """Whether it was done."""
        return self.status < 400  # noqa: PLR2004 - the first status of refusals


class AtTheMachine(BaseAuthentication):
    """Whoever may run commands reads the database and its keys: no key of ours would stop them."""

    def authenticate(self, request: Request) -> tuple[Operator, None]:  # noqa: ARG002 - DRF's
        """The operator, named after the account of this system."""
        return Operator(actor_id=command_actor(), role=Role.OWNER), None


def run(
    command: Command,
    path: str,
    values: Mapping[str, str],
    *,
    body: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """The answer of the command's operation. Refusals are answers; nothing is raised for them."""
    request = _request(command.method, path, body, headers or {})
    view = command.view.as_view(
        {command.method.lower(): command.action},
        authentication_classes=[AtTheMachine],
        permission_classes=[],
    )
    try:
        response = view(request, **values)
        if hasattr(response, "render"):
            response.render()
    finally:
        # A listener does this when a request ends; commands have no such end.
        record.write_waiting()
    if response.streaming:
        parts = iter(response.streaming_content)
        return Answer(response.status_code, "", None, dict(response.headers), parts)
    text = response.content.decode()
    return Answer(response.status_code, text, _object(text), dict(response.headers))


def run_all(
    command: Command, values: Mapping[str, str], *, url: str, query: Mapping[str, str], noun: str
) -> Answer:
    """The list whole, put together from its pages; the first refusal instead, if there is one."""
    rows: list[Any] = []
    asked = {"limit": str(PAGE), **query}
    while True:
        answer = run(command, f"{url}?{urlencode(asked)}", values)
        if not answer.ok or answer.document is None:
            return answer
        rows += answer.document.get(noun, [])
        cursor = answer.document.get("next_cursor")
        if not cursor:
            whole = {**answer.document, noun: rows, "next_cursor": None}
            return Answer(answer.status, encode_json(whole), whole, answer.headers)
        asked = {name: value for name, value in asked.items() if name != "offset"}
        asked["cursor"] = cursor


def _request(
    method: str, path: str, body: Mapping[str, Any] | None, headers: Mapping[str, str]
) -> HttpRequest:
    content = b"" if body is None else json.dumps(body).encode()
    place, _, query = path.partition("?")
    environ = {
        "REQUEST_METHOD": method, "PATH_INFO": unquote(place), "QUERY_STRING": query,
        "SERVER_NAME": "localhost", "SERVER_PORT": "0", "SCRIPT_NAME": "", "HTTP_ACCEPT": JSON,
        "CONTENT_TYPE": JSON, "CONTENT_LENGTH": str(len(content)) if content else "",
        "wsgi.input": BytesIO(content), "wsgi.url_scheme": "https", **headers,
    }  # fmt: skip
    request = WSGIRequest(environ)
    request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]  # noqa: SLF001 - no browser
    return request


def _object(text: str) -> dict[str, Any] | None:
    try:
        document = json.loads(text) if text else None
    except ValueError:
        return None
    return document if isinstance(document, dict) else None
