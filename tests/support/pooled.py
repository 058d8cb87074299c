"""Servers that outlive a test: the next one that wants the same kind finds it running.

Starting one takes seconds of processor time, most tests a fraction of one. Between two tests the
database and Redis are emptied; the server's processes are told to forget by a file whose time
changes, which each of them looks at before every request.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from tests.support.shared_state import forget_in_process

if TYPE_CHECKING:
    from tests.support.server import RunningServer

MARK = "TESTS_FORGET_WHEN_TOUCHED"
MOST_THREADS = 16
"""Of all servers that wait for another test: each thread keeps a connection to the database."""

Kind: TypeAlias = tuple[tuple[str, str | int], ...]


class Memory:
    """What a server's process knows, which ends when its mark is touched."""

    def __init__(self, mark: str) -> None:
        self._mark, self._lock = Path(mark), threading.Lock()
        self._seen = self._touched()

    def end_when_touched(self, _: Mapping[str, Any]) -> None:
        """What happens at the beginning of every request."""
        if self._seen == self._touched():
            return
        with self._lock:
            if self._seen != (now := self._touched()):
                forget_in_process()
                self._seen = now

    def _touched(self) -> int:
        """Nanoseconds."""
        return self._mark.stat().st_mtime_ns


class Pool:
    """The servers of one test process, the one that was used last at the end."""

    def __init__(self, folder: Path, start: Callable[..., Any]) -> None:
        self._folder, self._start = folder, start
        self._kept: dict[Kind, tuple[RunningServer, contextlib.ExitStack, int]] = {}
        self._lent: set[Kind] = set()

    @contextlib.contextmanager
    def lent(self, **options: Any) -> Iterator[RunningServer]:
        """A server that nobody else uses meanwhile, as if it had just been started."""
        kind: Kind = tuple(sorted(options.items()))
        if kind in self._lent:
            with self._start(**options) as another:
                yield another
            return
        running = self._found(kind) or self._begun(kind, options)
        self._lent.add(kind)
        try:
            yield running
        finally:
            self._lent.discard(kind)

    def _found(self, kind: Kind) -> RunningServer | None:
        if kind not in self._kept:
            return None
        running, until_the_end, threads = self._kept.pop(kind)
        if running.process.poll() is not None:
            until_the_end.close()
            return None
        self._kept[kind] = running, until_the_end, threads
        mark = Path(running.environment[MARK])
        before = mark.stat().st_mtime_ns
        os.utime(mark, ns=(before + 1_000_000, before + 1_000_000))
        return running

    def _begun(self, kind: Kind, options: dict[str, Any]) -> RunningServer:
        threads = int(options.get("processes", 1)) * int(options.get("threads", 4))
        for other in [kept for kept in self._kept if kept not in self._lent]:
            if threads + sum(each[2] for each in self._kept.values()) <= MOST_THREADS:
                break
            self._kept.pop(other)[1].close()
        mark = self._folder / f"forget-{len(list(self._folder.iterdir()))}"
        mark.touch()
        until_the_end = contextlib.ExitStack()
        running = until_the_end.enter_context(self._start(**options | {MARK: str(mark)}))
        self._kept[kind] = running, until_the_end, threads
        return running

    def close(self) -> None:
        """None of them runs any more."""
        while self._kept:
            self._kept.popitem()[1][1].close()
