"""Files and texts that a command line names, and what they hold."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

from admin_api.commands.catalogue import Command
from admin_api.configuration.document import parse_yaml
from authplane.core.forms import BadBody
from authplane.core.openapi.system import YAML

STDIN: Final = "-"
MAX_FILE: Final = 1024 * 1024


class Unusable(Exception):
    """What was typed cannot be run, and why."""


def read_file(path: str) -> str:
    """The text of the file; of standard input for `-`.

    Raises: Unusable, naming the place and never the content.
    """
    try:
        if path == STDIN:
            text = sys.stdin.read(MAX_FILE + 1)
        else:
            with Path(path).open(encoding="utf-8") as file:
                text = file.read(MAX_FILE + 1)
    except (OSError, UnicodeDecodeError) as error:
        raise Unusable(f"{path} cannot be read: {type(error).__name__}") from None
    if len(text) > MAX_FILE or not text.strip():
        raise Unusable(f"{path} is empty or larger than 1 MiB")
    return text


def languages(command: Command) -> str:
    """In which the body of the command may be written."""
    return "YAML or JSON" if YAML in command.operation.takes else "JSON"


def mapping_of(text: str, flag: str) -> Any:
    """The mapping that a text in YAML is, or in JSON, which is YAML too.

    Raises: Unusable.
    """
    try:
        return parse_yaml(text.encode())
    except BadBody as error:
        raise Unusable(f"{flag}: {error.description}") from None


def document_of(text: str, flag: str) -> Any:
    """What a text in JSON is.

    Raises: Unusable.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise Unusable(f"{flag} must be valid JSON") from None
