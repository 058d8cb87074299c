"""Settings for a developer's machine and for ``make run``."""

from __future__ import annotations

import os
from pathlib import Path

from authplane.core.first_run import provide_local_secrets

provide_local_secrets(os.environ, base=Path(__file__).resolve().parents[2])

from authplane.settings.base import *  # noqa: E402, F403
from authplane.settings.base import AUTHPLANE  # noqa: E402

DEBUG = False
EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_AUTOREFRESH = AUTHPLANE.logging.level == "debug"
STATIC_ROOT = None  # type: ignore[assignment]  # served from where the files are
