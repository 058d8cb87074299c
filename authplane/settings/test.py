"""Settings of the test suite: fixed secrets, both listeners, the database of the environment."""

from __future__ import annotations

import os

from authplane.settings import source
from tests.support.services import choose_services

choose_services()

source.VARIABLES = {
    "AUTHPLANE_SERVER_ISSUER": "http://localhost:9000",
    "AUTHPLANE_SESSION_SECRET": "session-secret-of-the-test-suite-01",
    "AUTHPLANE_CSRF_SECRET": "csrf-secret-of-the-test-suite-02",
    "AUTHPLANE_INTEGRITY_KEY": "integrity-key-of-the-test-suite-03",
    "AUTHPLANE_CLIENT_SECRET_PEPPER": "client-pepper-of-the-test-suite-04",
    "AUTHPLANE_DATA_ENCRYPTION_KEY": "05" * 32,
    "AUTHPLANE_ADMIN_API_KEY": "operator-key-of-the-test-suite-06",
    "METRICS_USERNAME": "metrics",
    "METRICS_PASSWORD": "metrics-password-of-the-test-suite-07",
    "AUTHPLANE_STORAGE_SQLITE_PATH": "data/test.db",
    **{name: os.environ[name] for name in ("DATABASE_URL", "REDIS_URL") if os.environ.get(name)},
}

from authplane.settings.base import *  # noqa: E402, F403

DEBUG = False
ROOT_URLCONF = "authplane.urls.both"
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]", "testserver"]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
CELERY_TASK_ALWAYS_EAGER = True
CELERY_TASK_EAGER_PROPAGATES = True
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
STATIC_ROOT = None  # type: ignore[assignment]  # served from where the files are
WHITENOISE_AUTOREFRESH = True  # every test client would look for all files before its first request
