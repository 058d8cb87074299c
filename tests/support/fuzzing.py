"""Requests that nobody thought of, made by schemathesis from a document; every answer is judged."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
import schemathesis
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig

from tests.support.specification import Specification

EXAMPLES = int(os.environ.get("AUTHPLANE_FUZZ_EXAMPLES", "2"))
SEED = 20260314
QUIET = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
FIRST_FAULT = 500
OURS = frozenset({"content-length", "content-type", "host", "transfer-encoding"})
CREDENTIALS = frozenset({"authorization", "cookie"})
"""Made up in every second request; in the others the caller is who it is."""


class Fuzzer:
    """Sends what is made to the application in this process, and keeps what was wrong."""

    def __init__(
        self,
        document: Mapping[str, Any],
        *,
        headers: Mapping[str, str],
        members: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        """``members`` are members of bodies that count, by where the paths begin."""
        self.document = {name: part for name, part in document.items() if name != "servers"}
        self.specification = Specification(dict(self.document))
        self.headers, self.members = dict(headers), members or {}
        self.http = Client(raise_request_exception=False)
        self.sent, self.cookies = 0, ""
        self.statuses: Counter[int] = Counter()
        self.found: dict[str, str] = {}
        """What was wrong, with the first request that showed it."""

    def run(self, real: Mapping[str, Mapping[str, str]], *, seconds: float) -> None:
        """Every operation gets good and bad requests, about what there is and what there is not.

        ``real`` has ids for the parameters of paths that begin like its names.
        """
        ends = time.monotonic() + seconds
        self.cookies = self.http.cookies.output(header="", sep=";")
        whole = SchemathesisConfig()
        whole.projects.default.generation.allow_extra_parameters = False
        schema = schemathesis.openapi.from_dict(self.document, config=whole)
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            for result in schema.get_all_operations():
                operation = result.ok()
                if time.monotonic() < ends:
                    self._fuzz(operation, mode, _known(operation.path, real))

    def _fuzz(self, operation: Any, mode: GenerationMode, known: Mapping[str, str]) -> None:
        cases = operation.as_strategy(generation_mode=mode)

        @seed(SEED)
        @QUIET
        @given(case=cases)
        def send(case: Any) -> None:
            if self.sent % 2:
                case.path_parameters = {**(case.path_parameters or {}), **known}
                if isinstance(case.body, dict):
                    case.body = {**case.body, **_known(operation.path, self.members)}
            self._send(case)

        try:
            send()
        except Unsatisfiable:
            # Nothing can be wrong about a request without parameters.
            return

    def _send(self, case: Any) -> None:
        told = case.as_transport_kwargs(base_url="http://localhost:9000")
        told.pop("stream", None)
        prepared = requests.Request(**told).prepare()
        place = urlsplit(prepared.url or "")
        headers = {
            name: value.decode("latin-1") if isinstance(value, bytes) else value
            for name, value in prepared.headers.items()
            if name.lower() not in (OURS | CREDENTIALS if self.sent % 2 else OURS)
        }
        body = prepared.body or b""
        # An answer to a made-up session takes the cookie away; the next caller still has one.
        self.http.cookies.load(self.cookies)
        with transaction.atomic():
            answer = self.http.generic(
                prepared.method or "",
                place.path,
                body if isinstance(body, bytes) else str(body).encode(),
                content_type=str(prepared.headers.get("Content-Type", "")),
                headers=headers | self.headers,
                QUERY_STRING=place.query,
            )
        self.sent += 1
        for problem in self._problems(answer, case.method.upper(), place.path):
            shown = f"{case.method} {prepared.url} {prepared.headers} {body!r}"[:1500]
            self.found.setdefault(problem, f"{shown} -> {_shown(answer)}")

    def _problems(self, answer: Any, method: str, path: str) -> Iterator[str]:
        status = answer.status_code
        if status >= FIRST_FAULT and b'"server_error"' in answer.content:
            yield f"{method} {path[:60]} answers {status}"
        self.statuses[status] += 1
        if self.specification.operation(method, answer.wsgi_request.path_info) is None:
            return
        yield from self.specification.problems(
            method,
            answer.wsgi_request.path_info,
            status=status,
            media=answer.headers.get("Content-Type", ""),
            body=b"" if answer.streaming else answer.content,
        )


def _shown(answer: Any) -> str:
    return f"{answer.status_code} {b'' if answer.streaming else answer.content[:300]!r}"


def _known(path: str, real: Mapping[str, Mapping[str, str]]) -> Mapping[str, str]:
    begins = [name for name in real if path.startswith(name)]
    return real[max(begins, key=len)] if begins else {}
