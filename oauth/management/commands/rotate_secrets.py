"""`manage.py rotate_secrets`: move what is stored to the new values of rotated secrets."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from authplane.core.config import config
from authplane.core.management.output import ReportingCommand
from authplane.core.rewrap import rewrap_registered
from oauth.clients.secrets import digest_prefix
from oauth.keys.record import KeyUnavailable
from oauth.keys.rotation import rewrap_keys
from oauth.models import Client


class Command(ReportingCommand):
    """Nothing sealed needs the old data key afterwards; says what still needs an old value."""

    help = (
        "Seal stored keys and credentials anew under the present data key, and say which *_OLD "
        "values are still needed. Run it after a secret was moved to its _OLD variable; safe to "
        "repeat."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """What becomes of what cannot be opened."""
        super().add_arguments(parser)
        parser.add_argument(
            "--discard-unreadable",
            action="store_true",
            help="give up stored credentials that no configured key opens: secrets of providers "
            "must be set again, and users connect again",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Reseal, count, report."""
        try:
            resealed = rewrap_keys()
        except KeyUnavailable as error:
            message = (
                f"{error}: set AUTHPLANE_DATA_ENCRYPTION_KEY_OLD to the value the signing keys "
                "were sealed with. Nothing was changed."
            )
            raise CommandError(message) from None
        moved = rewrap_registered(discard=options["discard_unreadable"])
        if moved.unreadable > moved.discarded:
            message = (
                f"{moved.unreadable} stored credentials cannot be opened: set "
                "AUTHPLANE_DATA_ENCRYPTION_KEY_OLD to the value they were sealed with, or give "
                "them up with --discard-unreadable. "
                f"{moved.resealed} others were moved."
            )
            raise CommandError(message)
        waiting = _clients_on_another_pepper()
        result = {
            "keys_resealed": resealed,
            "credentials_resealed": moved.resealed,
            "credentials_discarded": moved.discarded,
            "clients_on_old_pepper": waiting,
        }
        self.report(result, title="secrets rotated", as_json=options["json"])
        if not options["json"]:
            for line in _advice(waiting):
                self.stdout.write(line)


def _clients_on_another_pepper() -> int:
    """Confidential clients whose secret was stored under another pepper, or imported."""
    confidential = Client.objects.exclude(client_secret="")
    return int(confidential.exclude(client_secret__startswith=digest_prefix()).count())


def _advice(waiting: int) -> list[str]:
    """What the operator may remove now, and what not yet."""
    secrets, lines = config().secrets, []
    if secrets.data_old:
        lines.append("AUTHPLANE_DATA_ENCRYPTION_KEY_OLD can be removed.")
    if secrets.pepper_old:
        lines.append(
            "AUTHPLANE_CLIENT_SECRET_PEPPER_OLD is still needed: each of these clients moves when "
            "it next authenticates, or when its secret is rotated."
            if waiting
            else "AUTHPLANE_CLIENT_SECRET_PEPPER_OLD can be removed."
        )
    if secrets.session_old or secrets.csrf_old or secrets.integrity_old:
        lines.append(
            "Old session, CSRF and integrity values can be removed once AUTHPLANE_SESSION_MAX_AGE "
            "has passed since they were replaced."
        )
    return lines
