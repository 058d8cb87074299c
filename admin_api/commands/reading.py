"""Files and texts that a command line names, and what they hold."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandError

from admin_api.commands.catalogue import Command
from admin_api.configuration.document import parse_yaml
from authplane.core.forms import BadBody
from authplane.core.management.files import text_of
from authplane.core.openapi.system import YAML


class Unusable(Exception):
    """What was typed cannot be run, and why."""


def read_file(path: str) -> str:
    """The text of the file; of standard input for `-`.

    Raises: Unusable, naming the place and never the content.
    """
    try:
        return text_of(path)
    except CommandError as error:
        raise Unusable(str(error)) from None


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
