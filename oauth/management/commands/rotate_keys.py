"""`manage.py rotate_keys`: another key signs, at once or as soon as verifiers know it."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from authplane.core.management.actor import command_actor
from authplane.core.management.output import ReportingCommand
from oauth.keys import rotation
from oauth.keys.record import KeyUnavailable


class Command(ReportingCommand):
    """The next signing key is published, made active, or found to be there already."""

    help = (
        "Publish the next signing key; it signs once every verifier had time to fetch it. With"
        " --immediate it signs at once: for a key that leaked or can no longer be opened."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """How urgent it is."""
        super().add_arguments(parser)
        parser.add_argument("--immediate", action="store_true", help="sign with it at once")
        parser.add_argument(
            "--withdraw",
            action="store_true",
            help="with --immediate: no token signed before counts any more",
        )
        parser.add_argument(
            "--if-missing",
            action="store_true",
            help="only make the first key, or check that the present one can be used",
        )

    def handle(self, *, immediate: bool, withdraw: bool, if_missing: bool, **options: Any) -> None:
        """The outcome is printed.

        Raises: CommandError when the options do not go together or a key cannot be used.
        """
        if withdraw and not immediate:
            raise CommandError("--withdraw goes with --immediate only")
        if immediate and if_missing:
            raise CommandError("use one of --immediate and --if-missing")
        try:
            result = (
                _first_key() if if_missing else _rotated(immediate=immediate, withdraw=withdraw)
            )
        except KeyUnavailable as error:
            raise CommandError(str(error)) from error
        if options["verbosity"] > 0:
            self.report(result, title="signing key", as_json=options["json"])


def _first_key() -> dict[str, Any]:
    """Raises: KeyUnavailable when the key in use cannot be opened."""
    key = rotation.ensure_first_key()
    rotation.require_usable_key()
    return {"kid": key.kid, "alg": key.algorithm}


def _rotated(*, immediate: bool, withdraw: bool) -> dict[str, Any]:
    done = rotation.rotate(immediate=immediate, withdraw=withdraw, actor=command_actor())
    return {
        "kid": done.kid,
        "alg": done.algorithm,
        "state": str(done.state),
        "activates_at": done.activates_at.isoformat(timespec="seconds"),
        "changed": done.changed,
        "withdrawn": list(done.withdrawn),
    }
