"""`manage.py load_seeds`: create what the configuration names and what does not exist yet."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from django.core.management.base import CommandError, CommandParser

from authplane.core.config import config
from authplane.core.management.output import ReportingCommand
from authplane.core.seeding import (
    BadSeed,
    Section,
    Seed,
    Source,
    in_order,
    plant,
    seeds_of_file,
)
from oauth.federation.seeds import WORKLOAD_ISSUERS
from oauth.resources.errors import ResourceError
from oauth.resources.seeds import FRONTING_LINKS, RESOURCES, configured_resources
from oauth.xaa.audience_seeds import ASSERTION_AUDIENCES
from oauth.xaa.seeds import IDPS, SUBJECT_MAPPINGS, XAA_POLICIES

SECTIONS: Final[dict[str, tuple[Section, Callable[[], Sequence[Seed]]]]] = {
    "resources": (RESOURCES, configured_resources),
    "fronting_links": (FRONTING_LINKS, lambda: config().seeds.fronting_links),
    "idps": (IDPS, lambda: config().seeds.idps),
    "xaa_policies": (XAA_POLICIES, lambda: config().seeds.xaa_policies),
    "subject_mappings": (SUBJECT_MAPPINGS, lambda: config().seeds.subject_mappings),
    "workload_issuers": (WORKLOAD_ISSUERS, lambda: config().seeds.workload_issuers),
    "assertion_audiences": (ASSERTION_AUDIENCES, lambda: config().seeds.assertion_audiences),
}
"""Section of the YAML document to its kind and to the seeds of the configuration, in order."""


def sections() -> dict[str, Source]:
    """Every section, in the order in which they are planted."""
    return in_order(SECTIONS)


class Command(ReportingCommand):
    """Every seed has become what it describes, or found it there and left it alone."""

    help = (
        "Create resources, fronting links and the other objects of the configuration, or of a YAML"
        " file. What exists is skipped; one bad seed stops them all."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Where the seeds are."""
        super().add_arguments(parser)
        names = ", ".join(sections())
        parser.add_argument("file", nargs="?", help=f"YAML file with lists below {names}")

    def handle(self, *, file: str | None, **options: Any) -> None:
        """What was created and skipped is printed.

        Raises: CommandError, naming the seed and everything that is wrong with it.
        """
        try:
            planted = plant(_of_file(Path(file)) if file else _of_configuration())
        except (BadSeed, ResourceError) as error:
            raise CommandError(str(error)) from error
        if options["verbosity"] > 0:
            self.report(dataclasses.asdict(planted), title="seeds", as_json=options["json"])


def _of_configuration() -> list[tuple[Section, Sequence[Seed]]]:
    return [(section, configured()) for section, configured in sections().values()]


def _of_file(path: Path) -> list[tuple[Section, Sequence[Seed]]]:
    known = sections()
    found = seeds_of_file(path, names=list(known))
    return [(section, found.get(name, [])) for name, (section, _) in known.items()]
