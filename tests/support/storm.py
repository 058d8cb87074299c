"""The same request many times at the same moment, over connections that are already open."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx

PATIENCE = 30.0


def storm(
    base_url: str, send: Callable[[httpx.Client], httpx.Response], *, count: int = 16
) -> list[httpx.Response]:
    """All answers. Every thread has opened its connection before the first one sends."""
    barrier = threading.Barrier(count)

    def one(_number: int) -> httpx.Response:
        with httpx.Client(base_url=base_url, trust_env=False, timeout=PATIENCE) as http:
            http.get("/livez").raise_for_status()
            barrier.wait(PATIENCE)
            return send(http)

    with ThreadPoolExecutor(max_workers=count) as pool:
        return list(pool.map(one, range(count)))
