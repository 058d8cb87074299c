"""`manage.py run_job`: do scheduled work now, exactly as the scheduler would."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from authplane.core.management.output import ReportingCommand
from oauth.maintenance.jobs import JOBS


class Command(ReportingCommand):
    """The same single flight as on schedule: while another process is at it, this one does not."""

    help = "Run a scheduled job now, whether it is due or not."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which job."""
        super().add_arguments(parser)
        names = "; ".join(f"{job.name}: {job.purpose}" for job in JOBS.values())
        parser.add_argument("name", nargs="?", default="", help=names)

    def handle(self, *, name: str, json: bool, **_: Any) -> None:
        """The job has run, and its result is printed; without a name the jobs are listed."""
        if not name:
            listed = {job.name: f"every {job.every} s" for job in JOBS.values()}
            self.report(listed, title="jobs", as_json=json)
            return
        job = JOBS.get(name)
        if job is None:
            raise CommandError(f"unknown job: {name}. Valid: {', '.join(JOBS)}")
        run = job.run()
        if not run.ran:
            raise CommandError(f"{name} is being run by another process")
        self.report({"job": name, **run.result}, title="job done", as_json=json)
