"""Verification as steps: it says what it needs from outside, and a driver, sync or async, gets it.

One text of every check serves both worlds.
"""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, TypeAlias, TypeVar
from urllib.parse import urlsplit

import httpx

from .config import Spend, is_loopback
from .errors import Unavailable

MAX_ANSWER: Final = 131_072
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Fetch:
    """One HTTP request; with a form it is a POST under Basic credentials."""

    url: str
    form: dict[str, str] = field(default_factory=dict, repr=False)
    basic: tuple[str, str] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came back. Status 0 means that nothing did."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class SpendOnce:
    """A key that may be used once within so many seconds."""

    key: str
    seconds: int


Effect: TypeAlias = Fetch | SpendOnce
Steps: TypeAlias = Generator[Effect, Fetched | bool, Result]


def fetch(request: Fetch) -> Steps[Fetched]:
    """The answer to this request."""
    answer = yield request
    if not isinstance(answer, Fetched):
        raise TypeError("a fetch was answered with something else")
    return answer


def spend_once(key: str, seconds: int) -> Steps[bool]:
    """True when the key was not used before."""
    answer = yield SpendOnce(key, seconds)
    return answer is True


@dataclass(frozen=True, slots=True)
class Driver:
    """Carries out what the steps ask for. `timeout` is in seconds."""

    timeout: float
    spend: Spend

    def run(self, steps: Steps[Result]) -> Result:
        """The steps' result, on this thread."""
        try:
            effect = next(steps)
            while True:
                effect = steps.send(self._do(effect))
        except StopIteration as stop:
            result: Result = stop.value
            return result

    async def arun(self, steps: Steps[Result]) -> Result:
        """The steps' result, without blocking the event loop."""
        try:
            effect = next(steps)
            while True:
                effect = steps.send(await self._ado(effect))
        except StopIteration as stop:
            result: Result = stop.value
            return result

    def _connection(self, request: Fetch) -> Any:
        """How to connect: a server on this machine is not asked through a proxy."""
        is_here = is_loopback(urlsplit(request.url).hostname or "")
        return {"timeout": self.timeout, "verify": _tls(), "trust_env": not is_here}

    def _do(self, effect: Effect) -> Fetched | bool:
        if isinstance(effect, SpendOnce):
            with _failing_closed():
                first = self.spend(effect.key, effect.seconds)
            if not isinstance(first, bool):
                raise TypeError("an asynchronous `spend` needs the asynchronous verification")
            return first
        try:
            with (
                httpx.Client(**self._connection(effect)) as http,
                http.stream(**_call(effect)) as answer,
            ):
                body = b""
                for part in answer.iter_bytes():
                    body += part
                    if len(body) > MAX_ANSWER:
                        return Fetched(0)
                return Fetched(answer.status_code, dict(answer.headers), body)
        except httpx.HTTPError:
            return Fetched(0)

    async def _ado(self, effect: Effect) -> Fetched | bool:
        if isinstance(effect, SpendOnce):
            with _failing_closed():
                first = self.spend(effect.key, effect.seconds)
                return first if isinstance(first, bool) else await first
        try:
            async with (
                httpx.AsyncClient(**self._connection(effect)) as http,
                http.stream(**_call(effect)) as answer,
            ):
                body = b""
                async for part in answer.aiter_bytes():
                    body += part
                    if len(body) > MAX_ANSWER:
                        return Fetched(0)
                return Fetched(answer.status_code, dict(answer.headers), body)
        except httpx.HTTPError:
            return Fetched(0)


@contextlib.contextmanager
def _failing_closed() -> Iterator[None]:
    """A replay memory that fails lets nobody in. Raises: Unavailable."""
    try:
        yield
    except Unavailable:
        raise
    except Exception as failure:
        raise Unavailable(f"replay memory failed: {type(failure).__name__}") from failure


@cache
def _tls() -> ssl.SSLContext:
    """Made once: it reads the whole list of authorities."""
    return httpx.create_ssl_context()


def _call(request: Fetch) -> Any:
    """The arguments of the request. Redirects are not followed: the configured host answers."""
    call: dict[str, object] = {
        "method": "POST" if request.form else "GET",
        "url": request.url,
        "headers": {"Accept": "application/json"},
        "follow_redirects": False,
    }
    if request.form:
        call["data"] = request.form
    if request.basic:
        call["auth"] = httpx.BasicAuth(*request.basic)
    return call
