"""The WSGI application that every server runs."""

from __future__ import annotations

import gc
import logging
import os
from typing import TYPE_CHECKING, Any

import django
from django.db.backends.signals import connection_created
from django.urls import get_resolver

from authplane.core.config import config
from authplane.core.handler import Handler
from authplane.core.notices import notices

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

log = logging.getLogger(__name__)

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "authplane.settings.production")

# Next to nothing of what is loaded now is garbage: looking for it takes a tenth of the start.
gc.disable()
django.setup(set_prefix=False)
application = Handler()

for notice in notices(config()):
    log.warning(notice.body)


def open_data_keys() -> None:
    """Asked for now, where Vault keeps it, and not by the first request that needs it."""
    from authplane.core import crypto  # noqa: PLC0415 - makes metrics, which need the settings

    try:
        crypto.open_data_keys()
    except crypto.CryptoError as error:
        log.error("data key unavailable", extra={"cause": str(error)})  # noqa: TRY400 - says it all


open_data_keys()

# Imported now, so that a broken route stops the start and not the first request.
_ = get_resolver().url_patterns


def limit_statements(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """No statement of a request runs longer than the request has time to be answered.

    A lock held elsewhere then costs one refusal after another instead of all worker threads.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SET statement_timeout = {config().server.write_timeout * 1000:d}")
            # Statements here are short. Compiling one costs more than the slowest of them runs.
            cursor.execute("SET jit = off")


connection_created.connect(limit_statements, dispatch_uid="authplane.limit_statements")

# What is loaded stays, and is not looked through again.
gc.freeze()
gc.enable()
