"""A plain django-oauth-toolkit server, tuned by settings alone, as a careful user would run it.

Lasting connections, a fast keyed hash for generated client secrets, ES256 access tokens, rotation
on, no middleware that its views do not need.
"""

import os
from urllib.parse import urlsplit

_database = urlsplit(os.environ["BASELINE_DATABASE_URL"])

SECRET_KEY = os.environ["BASELINE_SECRET_KEY"]
DEBUG = False
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "bench.baseline.plain.urls"
WSGI_APPLICATION = "bench.baseline.plain.wsgi.application"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "oauth2_provider",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": _database.hostname,
        "PORT": _database.port,
        "USER": _database.username,
        "PASSWORD": _database.password or "",
        "NAME": _database.path.lstrip("/"),
        "CONN_MAX_AGE": None,
    }
}
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
    "bench.baseline.plain.hashers.FastSecretHasher",
]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
OAUTH2_PROVIDER = {
    "SCOPES": {"read": "Read", "write": "Write", "introspection": "Introspect"},
    "DEFAULT_SCOPES": ["read"],
    "ACCESS_TOKEN_GENERATOR": "bench.baseline.plain.tokens.signed_access_token",
    "CLIENT_SECRET_HASHER": "fast_sha256",
    "ACCESS_TOKEN_EXPIRE_SECONDS": 900,
    "REFRESH_TOKEN_EXPIRE_SECONDS": 604800,
    "ROTATE_REFRESH_TOKEN": True,
    "PKCE_REQUIRED": True,
    "OIDC_ENABLED": True,
    "OIDC_ISS_ENDPOINT": os.environ["BASELINE_ISSUER"],
    "OIDC_RSA_PRIVATE_KEY": os.environ["BASELINE_SIGNING_KEY"],
    "REQUEST_APPROVAL_PROMPT": "auto",
    "ALLOWED_REDIRECT_URI_SCHEMES": ["https", "http"],
}
