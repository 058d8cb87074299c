"""Who runs a command, as the record has it."""

from __future__ import annotations

import os
import pwd


def command_actor() -> str:
    """`cli:<account>`, from the process itself: variables can say anything."""
    number = os.getuid()
    try:
        return f"cli:{pwd.getpwuid(number).pw_name}"
    except KeyError:
        return f"cli:{number}"
