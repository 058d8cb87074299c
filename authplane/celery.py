"""The Celery application and when its jobs are due.

An app says what runs when in ``tasks.SCHEDULE``: task name to seconds between two runs. Beat may
run anywhere, even twice: the jobs themselves see to it that one process works at a time.
"""

from __future__ import annotations

import logging
import os
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from celery import Celery, signals
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "authplane.settings.production")

log = logging.getLogger(__name__)

app = Celery("authplane")


def make_broker_folders() -> None:
    """The folders of the file-system broker exist, readable by this user alone."""
    for name, folder in settings.CELERY_BROKER_TRANSPORT_OPTIONS.items():
        if name.endswith(("_in", "_folder")):
            # The parent by itself: `parents=True` would give it the default mode.
            Path(folder).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            Path(folder).mkdir(mode=0o700, exist_ok=True)


make_broker_folders()
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

TASK_MODULES = ("audit.tasks", "oauth.tasks", "broker.tasks", "authplane.core.tasks")


@app.on_after_finalize.connect
def plan(sender: Celery, **_: Any) -> None:
    """Every job of every app is due as its app says.

    A message that waited longer than one period is dropped: after an outage each job runs once, not
    once for every period missed.
    """
    for name, every in schedule().items():
        sender.add_periodic_task(every, sender.signature(name), name=name, expires=every)


def schedule() -> dict[str, int]:
    """Task name to seconds between two runs, over all apps."""
    planned: dict[str, int] = {}
    for module in TASK_MODULES:
        if find_spec(module):
            planned |= import_module(module).SCHEDULE
    return planned


@signals.worker_init.connect
@signals.worker_process_init.connect
def open_data_keys(**_: Any) -> None:
    """The data keys are asked for now, where Vault keeps them, and not by the first job."""
    from authplane.core import crypto  # noqa: PLC0415 - needs the loaded settings

    try:
        crypto.open_data_keys()
    except crypto.CryptoError:
        log.exception("data key unavailable")


@signals.setup_logging.connect
def keep_our_logging(**_: Any) -> None:
    """Celery leaves the log as Django set it up: redacted, one JSON object a line."""
