"""The connection to Redis, and what happens while it is away.

After a failure nobody asks Redis again for a moment: otherwise every request would wait for the
timeout in turn, and an outage of the limiter would become an outage of the server.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from authplane.core.config import config

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Answer = TypeVar("Answer")

TIMEOUT = 0.5
PAUSE_AFTER_FAILURE = 1.0

log = logging.getLogger(__name__)


class SharedStateDown(Exception):
    """Redis is configured and does not answer."""


class _Connection:
    """The client of this process, remade after a fork."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.process = 0
        self.url = ""
        self.client: redis.Redis | None = None
        self.away_until = 0.0
        self.lost_at: float | None = None


_connection = _Connection()


def is_configured() -> bool:
    """Whether the deployment has a Redis at all."""
    return bool(config().storage.redis_url)


def client() -> redis.Redis:
    """The Redis client of this process. It connects when first used."""
    url = config().storage.redis_url
    state = _connection
    if state.client is None or state.process != os.getpid() or state.url != url:
        with state.lock:
            state.client = redis.Redis.from_url(
                url,
                socket_timeout=TIMEOUT,
                socket_connect_timeout=TIMEOUT,
                client_name="authplane",
                # Once, for a connection that Redis closed while idle. More would be waiting.
                retry=Retry(NoBackoff(), 1),
            )
            state.process, state.url, state.away_until = os.getpid(), url, 0.0
    return state.client


def ask(operation: Callable[[redis.Redis], Answer]) -> Answer:
    """The result of ``operation``.

    Raises: SharedStateDown when Redis fails, or failed a moment ago.
    """
    state = _connection
    present = client()
    if state.away_until and time.monotonic() < state.away_until:
        raise SharedStateDown
    try:
        answer = operation(present)
    except redis.RedisError as error:
        if state.lost_at is None:
            log.warning("shared state unavailable", extra={"cause": type(error).__name__})
        state.away_until = time.monotonic() + PAUSE_AFTER_FAILURE
        state.lost_at = time.time()
        raise SharedStateDown from error
    if state.away_until:
        state.away_until = 0.0
    return answer


@contextmanager
def subscription(channel: str) -> Iterator[Iterator[bytes]]:
    """The messages of ``channel`` as they arrive, over a connection of its own.

    Raises: redis.RedisError when the connection is lost; nothing is repeated afterwards.
    """
    listener = redis.Redis.from_url(
        config().storage.redis_url, socket_connect_timeout=TIMEOUT, socket_keepalive=True
    )
    with (
        listener,
        listener.pubsub(ignore_subscribe_messages=True) as subscribed,  # type: ignore[no-untyped-call]
    ):
        subscribed.subscribe(channel)
        yield (message["data"] for message in subscribed.listen())


def lost_within(seconds: float) -> bool:
    """Whether this process missed Redis in the last ``seconds``: what it remembers has a gap."""
    lost = _connection.lost_at
    return lost is not None and time.time() - lost < seconds
