"""The same work in several processes at the same moment.

They are forked: nothing is loaded anew, so that they are at work together and not one after the
other as their interpreters happen to start. What they commit is there for good, so that it takes a
test that empties its tables (`transaction=True`), on a database that processes can share.
"""

from __future__ import annotations

import io
import json
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any

_inherited: list[object] = []
"""Connections of the parent: closing one in a child would say goodbye in the parent's name."""


def together(work: Callable[[], Any], *, count: int) -> list[Any]:
    """What `work` returned in each process, as JSON carries it.

    Raises: AssertionError with what a process printed when it failed.
    """
    waiting, go = os.pipe()
    children = [_begin(work, waiting=waiting, go=go) for _ in range(count)]
    os.close(waiting)
    os.close(go)
    return [_end(*child) for child in children]


def command(*arguments: str) -> Any:
    """What a management command answers with `--json`."""
    from django.core.management import call_command

    answer = io.StringIO()
    call_command(*arguments, "--json", stdout=answer)
    return json.loads(answer.getvalue())


def _begin(work: Callable[[], Any], *, waiting: int, go: int) -> tuple[int, int]:
    """The child's process id, and where its answer can be read."""
    reading, writing = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child:
        os.close(writing)
        return child, reading
    status = 1
    try:
        os.close(go)
        _forget_the_parent()
        # The end of the pipe comes when the parent, the last that could write to it, lets go.
        os.read(waiting, 1)
        os.write(writing, json.dumps(work()).encode())
        status = 0
    except BaseException:  # noqa: BLE001 - whatever it was, the parent tells it
        os.write(writing, traceback.format_exc().encode())
    finally:
        os._exit(status)


def _end(child: int, reading: int) -> Any:
    with os.fdopen(reading, "rb") as answer:
        said = answer.read()
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0, said.decode(errors="replace")
    return json.loads(said)


def _forget_the_parent() -> None:
    from django.db import connections

    from tests.support.shared_state import forget_in_process

    for alias in connections:
        _inherited.append(connections[alias].connection)
        del connections[alias]
    forget_in_process()
