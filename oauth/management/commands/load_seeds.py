"""`manage.py load_seeds`: create the configured resources that do not exist yet."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, CommandParser

from authplane.core.management.output import ReportingCommand
from oauth.resources.errors import ResourceError
from oauth.resources.seeds import configured_seeds, plant, seeds_of_file


class Command(ReportingCommand):
    """Every seed has become a resource, or found one of its slug and left it alone."""

    help = (
        "Create resources from the configuration (resources, AUTHPLANE_RESOURCE_URI) or from a"
        " YAML file. A slug that exists is skipped; one bad seed stops them all."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Where the seeds are."""
        super().add_arguments(parser)
        parser.add_argument("file", nargs="?", help="YAML file with a list below resources")

    def handle(self, *, file: str | None, **options: Any) -> None:
        """What was created and skipped is printed.

        Raises: CommandError, naming the seed and everything that is wrong with it.
        """
        try:
            planted = plant(seeds_of_file(Path(file)) if file else configured_seeds())
        except ResourceError as error:
            raise CommandError(str(error)) from error
        if options["verbosity"] > 0:
            self.report(dataclasses.asdict(planted), title="seeds", as_json=options["json"])
