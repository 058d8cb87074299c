"""`manage.py authplane`: the operator API from the command line, and checks of the deployment."""

from __future__ import annotations

import argparse
import logging
import sys
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandParser
from django.db import connections

from admin_api.commands.main import main


class Command(BaseCommand):
    """Everything after the command's name is ours: Django's options are not among the words."""

    help = "What the operator API does, on the database; doctor checks the deployment."
    requires_system_checks: ClassVar[list[str]] = []  # type: ignore[misc]

    def run_from_argv(self, argv: list[str]) -> None:
        """The words run, and the process ends with their exit status."""
        _log_aside()
        try:
            status = main(argv[2:])
        finally:
            connections.close_all()
        sys.exit(status)

    def add_arguments(self, parser: CommandParser) -> None:
        """For callers inside the process."""
        parser.add_argument("words", nargs=argparse.REMAINDER)

    def handle(self, *, words: list[str], **_: Any) -> None:
        """The words run.

        Raises: SystemExit with their status unless it is 0.
        """
        status = main(words)
        if status:
            sys.exit(status)


def _log_aside() -> None:
    """Standard output is the result alone, which a program may be waiting to parse."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.StreamHandler) and handler.stream is sys.stdout:
            handler.setStream(sys.stderr)
            if sys.stderr.isatty():
                # A person reads sentences; the record has the events.
                handler.setLevel(logging.WARNING)
