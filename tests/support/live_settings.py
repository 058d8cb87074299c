"""Settings of the server processes that tests start: as in production, with a fast user hasher.

One that several tests use in turn forgets between them.
"""

import os

from authplane.core import lifecycle
from authplane.settings.dev import *  # noqa: F403
from tests.support.pooled import MARK, Memory

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

if MARK in os.environ:
    lifecycle.at_begin(Memory(os.environ[MARK]).end_when_touched)
