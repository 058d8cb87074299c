"""How commands speak: one JSON document with `--json`, `key=value` lines for people without."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandParser


class ReportingCommand(BaseCommand):
    """A command whose result a program can read; when it fails, the exit status says so."""

    def add_arguments(self, parser: CommandParser) -> None:
        """Every such command can print JSON."""
        parser.add_argument("--json", action="store_true", help="Print one JSON document.")

    def execute(self, *args: Any, **options: Any) -> str | None:
        """The command runs with its log lines on standard error.

        Standard output is the result alone, which a program may be waiting to parse.
        """
        for handler in logging.getLogger().handlers:
            if isinstance(handler, logging.StreamHandler) and handler.stream is sys.stdout:
                handler.setStream(sys.stderr)
        return super().execute(*args, **options)

    def report(self, result: Mapping[str, Any], *, title: str, as_json: bool) -> None:
        """``result`` is printed."""
        if as_json:
            self.stdout.write(json.dumps(result, default=str))
            return
        pairs = " ".join(f"{name}={_plain(value)}" for name, value in result.items())
        self.stdout.write(f"{title}: {pairs}" if pairs else title)


def _plain(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    if isinstance(value, dict):
        return json.dumps(value, default=str)
    return str(value)
