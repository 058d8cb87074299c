"""A load driver for machines without wrk: one process per connection, plain sockets.

It costs more processor than wrk does, so its figures are lower; the report names the driver.
"""

from __future__ import annotations

import multiprocessing
import re
import socket
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from multiprocessing.queues import Queue

    from bench.load import Plan, Sample

READ_SIZE = 65536


class Scenario(Protocol):
    """What to send next, given the answers so far."""

    def request(self) -> bytes: ...

    def answered(self, status: int, headers: str, body: str) -> bool:
        """The answer was the expected one."""

    def completed(self) -> int:
        """How many units of work are done."""


def http(method: str, path: str, headers: dict[str, str], body: str = "") -> bytes:
    """A request as bytes."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"{name}: {value}" for name, value in headers.items() if value]
    if body:
        lines += ["Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}"]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


class Single:
    """The same request over and over."""

    def __init__(self, environment: dict[str, str], _token: str) -> None:
        headers = {
            "Accept": "application/json",
            "Authorization": environment.get("BENCH_AUTH", ""),
        }
        if more := environment.get("BENCH_HEADER"):
            headers[more] = environment["BENCH_VALUE"]
        self._bytes = http(
            environment.get("BENCH_METHOD", "GET"),
            environment["BENCH_PATH"],
            headers,
            environment.get("BENCH_BODY", ""),
        )
        self._done = 0

    def request(self) -> bytes:
        return self._bytes

    def answered(self, status: int, headers: str, body: str) -> bool:
        self._done += 1
        return status == 200

    def completed(self) -> int:
        return self._done


class Refresh:
    """A chain of refresh tokens."""

    def __init__(self, environment: dict[str, str], token: str) -> None:
        self._environment, self._token, self._done = environment, token, 0

    def request(self) -> bytes:
        body = f"{self._environment['BENCH_BODY']}&grant_type=refresh_token"
        return http(
            "POST",
            self._environment["BENCH_PATH"],
            {"Accept": "application/json"},
            f"{body}&refresh_token={self._token}",
        )

    def answered(self, status: int, headers: str, body: str) -> bool:
        found = re.search(r'"refresh_token":\s*"([^"]+)"', body)
        if status != 200 or found is None:
            return False
        self._token = found.group(1)
        self._done += 1
        return True

    def completed(self) -> int:
        return self._done


class Code:
    """Authorize and token in turns."""

    def __init__(self, environment: dict[str, str], _token: str) -> None:
        self._environment, self._code, self._done = environment, "", 0

    def request(self) -> bytes:
        if not self._code:
            headers = {"Accept": "text/html", "Cookie": self._environment["BENCH_COOKIE"]}
            return http("GET", self._environment["BENCH_AUTHORIZE"], headers)
        body = f"{self._environment['BENCH_BODY']}&grant_type=authorization_code&code={self._code}"
        return http("POST", self._environment["BENCH_PATH"], {"Accept": "application/json"}, body)

    def answered(self, status: int, headers: str, body: str) -> bool:
        if self._code:
            self._code = ""
            self._done += status == 200
            return status == 200
        found = re.search(r"(?im)^location:.*?[?&]code=([^&\s]+)", headers)
        self._code = found.group(1) if found else ""
        return bool(found)

    def completed(self) -> int:
        return self._done


class Once:
    """Requests that work once: a proof (or nothing), a tab, and what is added to the body."""

    def __init__(self, environment: dict[str, str], lines: str) -> None:
        self._environment, self._lines, self._done = environment, iter(lines.splitlines()), 0

    def request(self) -> bytes:
        proof, _, more = next(self._lines, "\t").partition("\t")
        headers = {
            "Accept": "application/json",
            "Authorization": self._environment["BENCH_AUTH"],
            "DPoP": proof,
        }
        body = self._environment["BENCH_BODY"] + more
        return http("POST", self._environment["BENCH_PATH"], headers, body)

    def answered(self, status: int, headers: str, body: str) -> bool:
        self._done += status == 200
        return status == 200

    def completed(self) -> int:
        return self._done


SCENARIOS = {"single": Single, "once": Once, "refresh": Refresh, "code": Code}


@dataclass(frozen=True, slots=True)
class Part:
    """One connection's share of a run."""

    done: int
    latencies: list[float]
    errors: int
    first_error: str


def drive(plan: Plan, *, base: str, seconds: int, environment: dict[str, str]) -> Sample:
    """The run of all connections together."""
    from bench.load import Sample

    with open(environment["BENCH_TOKENS"]) as file:  # noqa: PTH123
        tokens = file.read().splitlines()
    if plan.script == "once":
        tokens = ["\n".join(tokens[n :: plan.connections]) for n in range(plan.connections)]
    tokens += [""] * (plan.connections - len(tokens))
    context = multiprocessing.get_context("fork")
    results: Queue[Part] = context.Queue()
    workers = [
        context.Process(
            target=_work, args=(plan.script, environment, token, base, seconds, results)
        )
        for token in tokens[: plan.connections]
    ]
    for worker in workers:
        worker.start()
    parts = [results.get() for _ in workers]
    for worker in workers:
        worker.join()
    latencies = sorted(value for part in parts for value in part.latencies) or [0.0]
    return Sample(
        rate=sum(part.done for part in parts) / seconds,
        p50_ms=latencies[len(latencies) // 2] * 1000,
        p99_ms=latencies[int(len(latencies) * 0.99)] * 1000,
        errors=sum(part.errors for part in parts),
        first_error=next((part.first_error for part in parts if part.first_error), ""),
    )


def _work(
    kind: str,
    environment: dict[str, str],
    token: str,
    base: str,
    seconds: int,
    results: Queue[Part],
) -> None:
    scenario: Scenario = SCENARIOS[kind](environment, token)
    place = urlsplit(base)
    latencies: list[float] = []
    errors, first_error = 0, ""
    connection, rest = None, b""
    end = time.monotonic() + seconds
    while (begun := time.monotonic()) < end and not errors:
        if connection is None:
            connection, rest = socket.create_connection((place.hostname, place.port)), b""
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(scenario.request())
        status, headers, body, rest = _read_answer(connection, rest)
        latencies.append(time.monotonic() - begun)
        if not scenario.answered(status, headers, body):
            errors, first_error = errors + 1, f"{status} {body[:200]}"
        if re.search(r"(?im)^connection:\s*close", headers):
            connection.close()
            connection = None
    results.put(Part(scenario.completed(), latencies, errors, first_error))


def _read_answer(connection: socket.socket, rest: bytes) -> tuple[int, str, str, bytes]:
    """One response; what came after it is returned as well."""
    while b"\r\n\r\n" not in rest:
        rest += _receive(connection)
    head, _, rest = rest.partition(b"\r\n\r\n")
    headers = head.decode("latin-1")
    length = re.search(r"(?im)^content-length:\s*(\d+)", headers)
    if length is None:
        while not rest.endswith(b"0\r\n\r\n"):
            rest += _receive(connection)
        return int(headers.split()[1]), headers, rest.decode(), b""
    size = int(length.group(1))
    while len(rest) < size:
        rest += _receive(connection)
    return int(headers.split()[1]), headers, rest[:size].decode(), rest[size:]


def _receive(connection: socket.socket) -> bytes:
    data = connection.recv(READ_SIZE)
    if not data:
        raise ConnectionError("the server closed the connection")
    return data
