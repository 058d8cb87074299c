"""What every way of running has in common. Values an operator may choose come from the config."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import drf_spectacular_sidecar

from authplane.core import logging, metric_values
from authplane.settings import source
from authplane.settings.databases import database_settings

# Before the first application makes a metric.
metric_values.install()

BASE_DIR = Path(__file__).resolve().parent.parent.parent

AUTHPLANE = source.configuration()

DATA_DIR = BASE_DIR / AUTHPLANE.server.data_dir
LISTENER = AUTHPLANE.server.listener
OPERATOR = LISTENER == "operator"

# --- Applications -------------------------------------------------------------------------------

INSTALLED_APPS = [
    "authplane.core.console.ConsoleConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "oauth2_provider",
    "rest_framework",
    "django_prometheus",
    "authplane.core",
    "audit",
    "authplane.accounts",
    "oauth",
    "broker",
    "admin_api",
]

AUTH_USER_MODEL = "accounts.User"

# The six models must be swapped together and live in one app: two of them refer to each other.
OAUTH2_PROVIDER_APPLICATION_MODEL = "oauth.Client"
OAUTH2_PROVIDER_GRANT_MODEL = "oauth.AuthorizationCode"
OAUTH2_PROVIDER_ACCESS_TOKEN_MODEL = "oauth.AccessToken"  # noqa: S105
OAUTH2_PROVIDER_REFRESH_TOKEN_MODEL = "oauth.RefreshToken"  # noqa: S105
OAUTH2_PROVIDER_ID_TOKEN_MODEL = "oauth.IDToken"  # noqa: S105
OAUTH2_PROVIDER_DEVICE_GRANT_MODEL = "oauth.DeviceGrant"
# With all of its models swapped the library has no tables here, and its migrations would only
# cost time: more than half of what it takes to make an empty database.
MIGRATION_MODULES = {"oauth2_provider": None}

OAUTH2_PROVIDER: dict[str, Any] = {
    "OAUTH2_SERVER_CLASS": "oauth.engine.server.AuthplaneServer",
    "OAUTH2_VALIDATOR_CLASS": "oauth.engine.validator.AuthplaneValidator",
    "OAUTH2_BACKEND_CLASS": "oauth.engine.core.AuthplaneCore",
    "SCOPES_BACKEND_CLASS": "oauth.engine.scopes.RegistryScopes",
    "ACCESS_TOKEN_GENERATOR": "oauth.tokens.minting.mint_access_token",
    "REFRESH_TOKEN_GENERATOR": "oauth.tokens.minting.mint_refresh_token",
    "ACCESS_TOKEN_EXPIRE_SECONDS": AUTHPLANE.tokens.access_ttl,
    "REFRESH_TOKEN_EXPIRE_SECONDS": AUTHPLANE.tokens.refresh_ttl,
    "AUTHORIZATION_CODE_EXPIRE_SECONDS": AUTHPLANE.tokens.code_ttl,
    "ROTATE_REFRESH_TOKEN": True,
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
    "REFRESH_TOKEN_GRACE_PERIOD_SECONDS": 0,
    "PKCE_REQUIRED": True,
    "ALLOW_URI_WILDCARDS": False,
    # http is needed for loopback redirects (RFC 8252 section 7.3); our own rule allows no other.
    "ALLOWED_REDIRECT_URI_SCHEMES": ["https", "http", *AUTHPLANE.dcr.private_schemes],
    "OIDC_ENABLED": False,
    "DCR_ENABLED": False,
    "CIMD_ENABLED": False,
    "COMPLIANT_BCP_RFC9700_IMPLICIT_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PASSWORD_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PKCE_METHOD": True,
    "COMPLIANT_BCP_RFC9700_ACCESS_TOKEN_TRANSPORT": True,
    "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": True,
    "COMPLIANT_BCP_RFC9700_TOKEN_STORAGE": True,
    "COMPLIANT_BCP_RFC9700_REFRESH_TOKEN": True,
    "COMPLIANT_BCP_RFC9700_REDIRECT_URI_MATCHING": True,
    "COMPLIANT_BCP_RFC9700_PKCE_REQUIRED": True,
}

# --- Requests -----------------------------------------------------------------------------------

ROOT_URLCONF = f"authplane.urls.{LISTENER}"
WSGI_APPLICATION = "authplane.wsgi.application"
APPEND_SLASH = OPERATOR

MIDDLEWARE = [
    # Machine routes end here: none of the others runs for them.
    "authplane.core.middleware.Gate",
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

_LOCAL_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
ALLOWED_HOSTS = [
    urlsplit(AUTHPLANE.server.issuer).hostname or "localhost",
    *(AUTHPLANE.admin.allowed_hosts if OPERATOR else AUTHPLANE.server.allowed_hosts),
    *_LOCAL_HOSTS,
]
if AUTHPLANE.server.trusted_proxies:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200
FILE_UPLOAD_HANDLERS: list[str] = []

# --- Browser sessions ---------------------------------------------------------------------------

SECRET_KEY = AUTHPLANE.secrets.session
SECRET_KEY_FALLBACKS = [AUTHPLANE.secrets.session_old] if AUTHPLANE.secrets.session_old else []

# Cookies are shared by all ports of a host, so the listeners use other names; and they use other
# stores, so that the value of a public session cookie means nothing to the console.
SESSION_ENGINE = (
    "authplane.core.operator_sessions" if OPERATOR else "django.contrib.sessions.backends.db"
)
SESSION_COOKIE_NAME = "authserver_console" if OPERATOR else AUTHPLANE.session.cookie_name
SESSION_COOKIE_AGE = AUTHPLANE.session.max_age
SESSION_COOKIE_SECURE = AUTHPLANE.session.secure
SESSION_COOKIE_SAMESITE = "Strict" if OPERATOR else AUTHPLANE.session.same_site.capitalize()
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_PATH = "/console/" if OPERATOR else "/"

CSRF_COOKIE_NAME = "authserver_console_csrf" if OPERATOR else "authserver_csrf"
CSRF_COOKIE_SECURE = AUTHPLANE.session.secure
CSRF_COOKIE_SAMESITE = "Strict" if OPERATOR else "Lax"
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "authplane.core.pages.csrf_failure"

X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 63072000 if AUTHPLANE.session.secure else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = AUTHPLANE.session.secure

# --- Users --------------------------------------------------------------------------------------

AUTHENTICATION_BACKENDS = [
    "allauth.account.auth_backends.AuthenticationBackend",
    "admin_api.administrators.console.RoleBackend",
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("email", "name")},
    },
]
LOGIN_URL = "/console/login/" if OPERATOR else "/login"
LOGIN_REDIRECT_URL = "/console/" if OPERATOR else "/"

ACCOUNT_ADAPTER = "authplane.accounts.adapter.ClosedAccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_RATE_LIMITS = False  # Sign-in has its own lockout, shared by all processes.

# --- Data ---------------------------------------------------------------------------------------

DATABASES = {"default": database_settings(AUTHPLANE.storage, base=BASE_DIR, data=DATA_DIR)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

# --- Scheduled work -----------------------------------------------------------------------------

CELERY_TIMEZONE = "UTC"
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_URL = AUTHPLANE.storage.redis_url or "filesystem://localhost/"
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = {"global_keyprefix": "authplane:celery:"}
if not AUTHPLANE.storage.redis_url:
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(DATA_DIR / "broker" / "queue"),
        "data_folder_out": str(DATA_DIR / "broker" / "queue"),
        "control_folder": str(DATA_DIR / "broker" / "control"),
        "processed_folder": str(DATA_DIR / "broker" / "processed"),
        "store_processed": False,
    }

# --- Language, time, files ----------------------------------------------------------------------

LANGUAGE_CODE = "en"
USE_I18N = False
FORMAT_MODULE_PATH = "authplane.core.formats"
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS: list[Path | tuple[str, Path]] = [
    BASE_DIR / "authplane" / "static",
    # Alone of what the package has: its application would add another viewer, four times as large.
    (
        "swagger-ui",
        Path(drf_spectacular_sidecar.__file__).parent
        / "static/drf_spectacular_sidecar/swagger-ui-dist",
    ),
]
WHITENOISE_USE_FINDERS = True

# --- Log ----------------------------------------------------------------------------------------

LOGGING = logging.settings_for(
    level=AUTHPLANE.logging.level,
    form=AUTHPLANE.logging.format,
    add_source=AUTHPLANE.logging.add_source,
)

# --- Operator API -------------------------------------------------------------------------------

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "UNAUTHENTICATED_USER": None,
    "UNAUTHENTICATED_TOKEN": None,
    "DEFAULT_SCHEMA_CLASS": "admin_api.specification.OperatorSchema",
}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "OAS_VERSION": "3.1.0",
    "ENABLE_DJANGO_DEPLOY_CHECK": False,
}

# --- Checks that do not apply -------------------------------------------------------------------

SILENCED_SYSTEM_CHECKS = [
    # E-mail is unique: case-folded, by a constraint the check does not look at.
    "auth.W004",
    # http redirects: loopback redirects of native clients need the scheme (RFC 8252 section 7.3).
    "oauth2_provider.W008",
    # No redirect from http to https: TLS ends at the proxy, and a redirected token request would
    # already have sent its secret in the clear.
    "security.W008",
    # HSTS preloading binds the whole domain; that is for its owner to decide, not for one server.
    "security.W021",
]
