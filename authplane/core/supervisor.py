"""Runs several processes as one: they start together, and none outlives the others.

Each child leads a process group of its own, so that stopping it reaches the workers it forked.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import FrameType

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LOOK_EVERY = 0.1
ASK_AGAIN_EVERY = 0.5
YOUNG = 15.0
"""Seconds for which a program may still be starting, and may lose the signal that asks it to end:
a server's workers first answer signals when their application is loaded."""


@dataclass(frozen=True, slots=True)
class Program:
    """One process to keep running."""

    name: str
    command: Sequence[str]
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Child:
    """A started program and the thread that copies what it prints."""

    program: Program
    process: subprocess.Popen[bytes]
    pump: threading.Thread
    started: float = field(default_factory=time.monotonic)


def supervise(
    programs: Sequence[Program], *, grace: float, when_up: Callable[[], None] = lambda: None
) -> int:
    """Every program ran until one of them ended or we were told to stop; none is left.

    `grace` is the time in seconds that they get to finish what is in flight. `when_up` is called
    once after the start. The result is an exit status: 0 when we were told to stop, 1 when a
    program ended by itself.
    """
    with _told_to_stop() as stop:
        children: list[Child] = []
        try:
            for program in programs:
                # One by one: when a later start fails, the earlier ones are stopped below.
                children.append(_start(program))  # noqa: PERF401
            threading.Thread(target=when_up, daemon=True).start()
            ended = _wait(children, stop=stop)
        finally:
            _stop(children, grace=grace)
    if ended is None:
        return 0
    status = ended.process.returncode
    sys.stderr.write(f"{ended.program.name} ended with status {status}; stopped the others\n")
    return 1


@contextlib.contextmanager
def _told_to_stop() -> Iterator[threading.Event]:
    """The event is set when this process is asked to end."""
    stop = threading.Event()

    def remember(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, remember) for number in STOP_SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _start(program: Program) -> Child:
    process = subprocess.Popen(  # noqa: S603 - our own command lines, no shell
        program.command,
        env=os.environ | program.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    assert process.stdout is not None  # noqa: S101 - PIPE was asked for
    pump = threading.Thread(target=_copy, args=(process.stdout, program.name), daemon=True)
    pump.start()
    return Child(program, process, pump)


def _copy(source: IO[bytes], name: str) -> None:
    """Each line goes to standard output behind the name of its program."""
    label = f"{name:<8} | ".encode()
    for line in source:
        sys.stdout.buffer.write(label + line)
        sys.stdout.buffer.flush()


def _wait(children: Sequence[Child], *, stop: threading.Event) -> Child | None:
    """The child that ended by itself; None when we were told to stop."""
    while not stop.wait(LOOK_EVERY):
        for child in children:
            if child.process.poll() is not None:
                return child
    return None


def _stop(children: Sequence[Child], *, grace: float) -> None:
    """No process of any child's group is left: asked first, killed when the time is over."""
    for child in children:
        _signal_group(child, signal.SIGTERM)
    deadline = time.monotonic() + grace
    for child in children:
        _wait_until_ended(child, deadline=deadline)
    for child in children:
        _signal_group(child, signal.SIGKILL)
        child.process.wait()
        child.pump.join(timeout=1)


def _wait_until_ended(child: Child, *, deadline: float) -> None:
    """The child has ended or its time is over. It is asked again as long as it is young."""
    while (left := deadline - time.monotonic()) > 0:
        try:
            child.process.wait(timeout=min(left, ASK_AGAIN_EVERY))
        except subprocess.TimeoutExpired:
            if time.monotonic() - child.started < YOUNG:
                _signal_group(child, signal.SIGTERM)
        else:
            return


def _signal_group(child: Child, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.process.pid, number)
