"""Where metric values live when several processes share a metrics directory.

The client library asks the operating system for the process id before every single count, to
notice a fork. Python can tell us of a fork instead; nine system calls a request are saved.
"""

from __future__ import annotations

import os

from prometheus_client import values

_process = os.getpid()
_installed = False


def process_number() -> int:
    """The id of this process, also after a fork."""
    return _process


def _after_fork() -> None:
    global _process  # noqa: PLW0603 - the one fact that a fork changes
    _process = os.getpid()


def install() -> None:
    """Values of metrics made from now on are kept per process, noticing forks without asking.

    Whoever makes metrics calls this first, as often as they like: two classes of values would
    write the same files.
    """
    global _installed  # noqa: PLW0603 - once per process
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR") and not _installed:
        _installed = True
        os.register_at_fork(after_in_child=_after_fork)
        values.ValueClass = values.MultiProcessValue(process_number)  # type: ignore[no-untyped-call]
