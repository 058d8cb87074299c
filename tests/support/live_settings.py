"""Settings of the server processes that tests start: as in production, with a fast user hasher."""

from authplane.settings.dev import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
