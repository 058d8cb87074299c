"""`manage.py listen`: one listener in the foreground, as the image runs it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand

from authplane.core.config import config
from authplane.core.ports import require_free
from authplane.core.processes import Shape, listener_command

if TYPE_CHECKING:
    from argparse import ArgumentParser


class Command(BaseCommand):
    """This process becomes the server of the listener that `AUTHPLANE_LISTENER` names."""

    help = "Serve one listener. Nothing is migrated or created."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--server", choices=("granian", "gunicorn"), default="granian")
        parser.add_argument("--workers", type=int, default=2, help="processes")
        parser.add_argument("--threads", type=int, default=4, help="threads of each process")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Does not return: signals reach the server itself, nobody stands in between."""
        here = config()
        operator = here.server.listener == "operator"
        address = here.admin.address if operator else here.server.address
        require_free(address, local=False)
        command = listener_command(
            address,
            shape=Shape.of(
                here,
                server=options["server"],
                processes=options["workers"],
                threads=options["threads"],
            ),
            local=False,
        )
        os.execv(command[0], command)  # noqa: S606 - our own command line, no shell
