"""`manage.py serve`: the whole server on one machine, from an empty directory if need be."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from authplane.core.config import config, is_local
from authplane.core.ports import require_free
from authplane.core.processes import Shape, server_programs
from authplane.core.supervisor import supervise

if TYPE_CHECKING:
    from argparse import ArgumentParser


class Command(BaseCommand):
    """Prepares the database, then runs both listeners and the worker until told to stop."""

    help = "Prepare the database and run both listeners and the worker in the foreground."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--demo", action="store_true", help="seed a user, resource and client")
        parser.add_argument("--server", choices=("granian", "gunicorn"), default="granian")
        parser.add_argument("--workers", type=int, help="public processes (1 with SQLite, else 2)")
        parser.add_argument("--threads", type=int, default=4, help="threads of each process")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Everything ran until it was told to stop. Raises: CommandError with the exit status."""
        require_free(config().server.address, local=is_local())
        if config().admin.enabled:
            require_free(config().admin.address, local=is_local())
        # Database, logs and brokered messages are nobody else's to read on a shared machine.
        os.umask(0o077)
        data = Path(settings.DATA_DIR)
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        call_command("prepare")
        if options["demo"]:
            call_command("seed_demo")
        _share_metrics(data / "metrics")
        shape = Shape.of(
            config(),
            server=options["server"],
            processes=options["workers"] or _default_processes(),
            threads=options["threads"],
        )
        status = supervise(
            server_programs(config(), shape=shape, data=data, local=is_local()),
            grace=config().server.shutdown_wait,
            when_up=self._say_where,
        )
        if status:
            raise CommandError("stopped because one of the processes ended", returncode=status)

    def _say_where(self) -> None:
        here = config()
        console = f"http://localhost:{here.admin.address.rpartition(':')[2]}/console/"
        lines = [
            "",
            f"  authplane is at {here.server.issuer}",
            "",
            f"  discovery   {here.server.issuer}/.well-known/oauth-authorization-server",
            f"  sign-in     {here.server.issuer}/login",
            f"  operator    {console if here.admin.enabled else 'off'}",
            "",
            "  next        make demo   (in a second terminal)",
            "  stop        Ctrl-C",
            "",
        ]
        self.stdout.write("\n".join(lines))


def _default_processes() -> int:
    """SQLite has one writer at a time, so a second process would only wait for it."""
    return 1 if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3") else 2


def _share_metrics(folder: Path) -> None:
    """All processes started from here count into one directory, which begins empty."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
