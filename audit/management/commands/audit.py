"""`manage.py audit`: seal, verify, export and thin out the record, and forget a person."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

from django.core.management.base import CommandError, CommandParser

from audit import erasure, jobs, offline, protection, retention
from audit.exporting import MEDIA_TYPES, exported
from audit.models import AuditEvent
from audit.sealing import keys, stored
from audit.sealing.checkpoint import successors
from audit.sealing.lines import BadExport
from authplane.core import clock
from authplane.core.crypto import CryptoError
from authplane.core.env import BadValue, duration
from authplane.core.management.subcommands import ActionsCommand


class Command(ActionsCommand):
    """Each subcommand does what the schedule or the operator API does."""

    help = "Seal, verify, export and thin out the audit record."
    actions: ClassVar[dict[str, str]] = {
        "seal": "put what was recorded into batches now",
        "verify": "compare the record, or an export of it, with what was signed; exit status 1 when"
        " something was altered, removed or inserted",
        "export": "write the record to standard output or to a file",
        "anchor": "bring the newest checkpoint to every anchor now",
        "stream": "pass sealed rows on now",
        "retain": "remove sealed rows past their time now",
        "erase": "empty what is personal in the rows of a user",
        "keys": "print the public keys that verify checkpoints, as a JWK set",
        "rotate-key": "let another key sign checkpoints",
        "protect": "install the triggers that keep the record from being changed",
        "grants": "print SQL for a database role that may write the record and not rewrite it",
    }

    def add_options(self, action: str, parser: CommandParser) -> None:
        """The options of one subcommand."""
        getattr(self, f"_{action.replace('-', '_')}_arguments", lambda _: None)(parser)

    def handle(self, *, action: str, **options: Any) -> None:
        """The subcommand ran.

        Raises: CommandError.
        """
        try:
            result = getattr(self, f"_{action.replace('-', '_')}")(options)
        except (CryptoError, BadExport, OSError, ValueError) as error:
            raise CommandError(str(error)) from error
        if result is not None:
            self.report(result, title=f"audit {action}", as_json=options["json"])

    def _seal(self, _: dict[str, Any]) -> dict[str, Any]:
        return _done(jobs.SEAL) | {"late": _done(jobs.SWEEP)["rows"]}

    def _verify_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--file", type=Path, help="An export; without it, the database.")
        parser.add_argument("--key", type=Path, help="Public keys to trust: a JWK or a JWK set.")
        parser.add_argument("--anchor", type=Path, help="Anchored checkpoints, one a line.")

    def _verify(self, options: dict[str, Any]) -> dict[str, Any] | None:
        file, key, anchor = options["file"], options["key"], options["anchor"]
        if file:
            if not key:
                raise CommandError("--file needs --key: the keys inside of a file prove nothing")
            report = offline.verify_file(file, keys=key, anchor=anchor)
        else:
            report = self._verified_here(key=key, anchor=anchor)
        if not options["json"]:
            for found in report.pop("findings"):
                self.stdout.write(
                    f"{found['kind']}: seal {found['seal']} {found['event']} {found['text']}"
                )
        self.report(report, title="audit verify", as_json=options["json"])
        if not report["valid"]:
            raise CommandError(f"the record does not hold: {report['found']} findings")
        return None

    def _verified_here(self, *, key: Path | None, anchor: Path | None) -> dict[str, Any]:
        anchored = offline.read_anchor(anchor) if anchor else jobs.anchored_here()
        report = stored.verify_stored(anchored=anchored).shown()
        if key:
            known = keys.public_keys()
            named = [(jwk, str(jwk.get("endorsement", ""))) for jwk in known]
            trusted = {jwk.get("kid") for jwk in successors(offline.read_keys(key), named)}
            if any(jwk["kid"] not in trusted for jwk in known):
                raise CommandError("the database has a key that the given ones do not vouch for")
        return report | {"protected": protection.is_installed()}

    def _export_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--format", choices=list(MEDIA_TYPES), default="sealed")
        parser.add_argument("--output", type=Path, help="A file that does not exist yet.")

    def _export(self, options: dict[str, Any]) -> None:
        pieces = exported(options["format"], AuditEvent.objects.all())
        if options["output"] is None:
            for piece in pieces:
                self.stdout.write(piece, ending="")
            return
        with options["output"].open("x", encoding="utf-8", newline="") as file:
            file.writelines(pieces)

    def _anchor(self, _: dict[str, Any]) -> dict[str, Any]:
        result = _done(jobs.ANCHOR)
        if result["failed"]:
            raise CommandError(f"not anchored: {', '.join(result['failed'])}; see the log")
        return result

    def _stream(self, _: dict[str, Any]) -> dict[str, Any]:
        return _done(jobs.PASS_ON)

    def _retain_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--older-than", default="", help="Instead of AUTHPLANE_AUDIT_RETENTION, such as 400d."
        )

    def _retain(self, options: dict[str, Any]) -> dict[str, Any]:
        if not options["older_than"]:
            return _done(jobs.RETAIN)
        try:
            age = duration(options["older_than"])
        except BadValue as error:
            raise CommandError(f"--older-than {error}") from None
        if age <= 0:
            raise CommandError("--older-than must be more than nothing")
        return retention.remove_before(clock.now() - timedelta(seconds=age))

    def _erase_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", help="The user's id.")

    def _erase(self, options: dict[str, Any]) -> dict[str, Any]:
        return {"rows": erasure.erase_personal(options["user"])}

    def _keys(self, _: dict[str, Any]) -> None:
        self.stdout.write(json.dumps({"keys": keys.public_keys()}, indent=1))

    def _rotate_key(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"kid": keys.rotate().kid}

    def _protect(self, _: dict[str, Any]) -> dict[str, Any]:
        protection.install()
        return {"protected": protection.is_installed()}

    def _grants_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("role", help="The database role that the server uses.")

    def _grants(self, options: dict[str, Any]) -> None:
        self.stdout.write(protection.grants(options["role"]))


def _done(job: jobs.Job) -> dict[str, Any]:
    """Raises: CommandError while another process is at it."""
    run = job.run()
    if not run.ran:
        raise CommandError(f"{job.name} is being run by another process")
    return run.result
