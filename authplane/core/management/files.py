"""Texts that a command line names by their place: secrets and documents never stand on it.

Arguments are in the list of processes, which everybody on the machine can read.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from django.core.management.base import CommandError

STDIN: Final = "-"
LONGEST: Final = 1024 * 1024


def text_of(path: str, *, longest: int = LONGEST) -> str:
    """The text of the file; of standard input for `-`.

    Raises: CommandError, naming the place and never the content.
    """
    try:
        if path == STDIN:
            text = sys.stdin.read(longest + 1)
        else:
            with Path(path).open(encoding="utf-8") as file:
                text = file.read(longest + 1)
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{path} cannot be read: {type(error).__name__}") from None
    if len(text) > longest or not text.strip():
        raise CommandError(f"{path} is empty or larger than {_size(longest)}")
    return text


def _size(number: int) -> str:
    return "1 MiB" if number == LONGEST else f"{number // 1024} KiB"
