#!/usr/bin/env python
"""Entry point of every management command."""

from __future__ import annotations

import os
import sys


def main(arguments: list[str]) -> None:
    """Run one management command.

    ``--config FILE`` may precede or follow the command. It is taken out here because the file has
    to be read while the settings load, before Django looks at any option.
    """
    from authplane.core.options import take_config_option

    arguments = take_config_option(arguments, environment=os.environ)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "authplane.settings.dev")

    from django.core.management import execute_from_command_line

    execute_from_command_line(arguments)


if __name__ == "__main__":
    main(sys.argv)
