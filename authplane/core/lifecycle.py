"""What happens at both ends of every request, whichever way it comes in.

Django's signals say the same, and cost a token request a tenth of its time: they are sent for
pages, for which Django's own receivers matter, and for the test client.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.signals import request_finished, request_started
from django.db import connections

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Beginning = Callable[[Mapping[str, Any]], None]
    End = Callable[[], None]

_beginnings: list[Beginning] = []
_ends: list[End] = []


def at_begin(receiver: Beginning) -> None:
    """``receiver`` is given the WSGI environment of every request before it is answered."""
    if receiver not in _beginnings:
        _beginnings.append(receiver)


def at_end(receiver: End) -> None:
    """``receiver`` is called when a request has been answered, and before the next one begins."""
    if receiver not in _ends:
        _ends.append(receiver)


def begin(environ: Mapping[str, Any]) -> None:
    """A request begins on this thread."""
    for finish in _ends:
        # What the last request left when its server did not let it end.
        finish()
    for receiver in _beginnings:
        receiver(environ)


def end() -> None:
    """The request of this thread has been answered; broken database connections are let go."""
    for receiver in _ends:
        receiver()
    for connection in connections.all(initialized_only=True):
        connection.close_if_unusable_or_obsolete()


def _started(environ: Mapping[str, Any], **_: Any) -> None:
    begin(environ)


def _finished(**_: Any) -> None:
    for receiver in _ends:
        receiver()


def connect() -> None:
    """Requests that come in by Django's own handlers are known here as well."""
    request_started.connect(_started, dispatch_uid="authplane.lifecycle.started")
    request_finished.connect(_finished, dispatch_uid="authplane.lifecycle.finished")
