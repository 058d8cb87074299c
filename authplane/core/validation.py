"""Rules over the whole configuration: what must hold between settings."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from authplane.core.audit_rules import audit_problems
from authplane.core.secret_rules import secret_problems
from authplane.core.sign_in_rules import sign_in_problems
from authplane.core.uris import check_redirect_uri

if TYPE_CHECKING:
    from collections.abc import Iterator

    from authplane.core.areas import Config

LOCALHOST = re.compile(r"https?://(localhost|127\.0\.0\.1|\[::1\])(?=$|[:/])")

MINIMUM_STATE_SECRET = 32
ANY_PORT_URLS = frozenset({
    "http://localhost:*", "https://localhost:*", "http://127.0.0.1:*", "https://127.0.0.1:*",
})  # fmt: skip
HEADER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*")


def is_localhost_issuer(issuer: str) -> bool:
    """Whether the server is meant for the machine it runs on, where missing secrets are made up."""
    return LOCALHOST.match(issuer) is not None


def rule_problems(config: Config) -> Iterator[str]:
    """Every broken rule, in words."""
    local = is_localhost_issuer(config.server.issuer)
    yield from _issuer_problems(config.server.issuer, local=local)
    yield from secret_problems(config, local=local)
    yield from _session_problems(config, local=local)
    yield from _listener_problems(config)
    yield from _storage_problems(config)
    yield from _registration_problems(config, local=local)
    yield from _lifetime_problems(config)
    yield from _certificate_problems(config)
    yield from _connect_problems(config)
    yield from sign_in_problems(config, local=local)
    yield from audit_problems(config)


def _issuer_problems(issuer: str, *, local: bool) -> Iterator[str]:
    """The issuer can be compared byte by byte and published in metadata.

    Spec: RFC 8414 section 2: https, no query, no fragment.
    """
    try:
        parts = urlsplit(issuer)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        yield "AUTHPLANE_SERVER_ISSUER is not a URL"
        return
    if parts.scheme not in {"http", "https"} or not host:
        yield "AUTHPLANE_SERVER_ISSUER must be an http or https URL"
        return
    if parts.query or parts.fragment or "?" in issuer or "#" in issuer or "@" in parts.netloc:
        yield "AUTHPLANE_SERVER_ISSUER must have no user, query or fragment"
    if issuer.endswith("/"):
        yield "AUTHPLANE_SERVER_ISSUER must not end with a slash"
    if parts.netloc != parts.netloc.lower() or not issuer.startswith(("http://", "https://")):
        yield "AUTHPLANE_SERVER_ISSUER must be in lower case up to the path"
    if parts.scheme != "https" and not local:
        yield "AUTHPLANE_SERVER_ISSUER must use https unless the host is localhost"


def _connect_problems(config: Config) -> Iterator[str]:
    connect = config.connect
    if connect.state_secret and len(connect.state_secret.strip()) < MINIMUM_STATE_SECRET:
        yield f"AUTHPLANE_CONNECT_STATE_SECRET must have at least {MINIMUM_STATE_SECRET} characters"
    if connect.state_secret and connect.state_secret == config.secrets.integrity:
        yield (
            "AUTHPLANE_CONNECT_STATE_SECRET has the same value as AUTHPLANE_INTEGRITY_KEY; "
            "use different secrets, or leave it out"
        )
    if base := connect.redirect_base_url:
        problem = check_redirect_uri(base, private_schemes=())
        if problem or "?" in base:
            yield "AUTHPLANE_CONNECT_REDIRECT_BASE_URL must be https, or http on loopback"
    for url in connect.allowed_return_urls:
        if problem := return_url_problem(url):
            yield f"AUTHPLANE_CONNECT_ALLOWED_RETURN_URLS: {problem}"


def return_url_problem(url: str) -> str:
    """What keeps users from being sent to the URL, or to a URL like the pattern; "" when nothing.

    It is https, or http on loopback, or one of the four patterns for any port.
    """
    bare = url.removesuffix("*") + "1" if url in ANY_PORT_URLS else url
    return check_redirect_uri(bare, private_schemes=()) or ""


def _session_problems(config: Config, *, local: bool) -> Iterator[str]:
    session = config.session
    if not local and not session.secure:
        yield "AUTHPLANE_SESSION_SECURE must be true unless the issuer is localhost"
    if session.same_site == "none" and not session.secure:
        yield "AUTHPLANE_SESSION_SAME_SITE none needs AUTHPLANE_SESSION_SECURE true"
    if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", session.cookie_name):
        yield "AUTHPLANE_SESSION_COOKIE_NAME is not a cookie name"


def _listener_problems(config: Config) -> Iterator[str]:
    for name, address in (
        ("AUTHPLANE_SERVER_ADDRESS", config.server.address),
        ("AUTHPLANE_ADMIN_ADDRESS", config.admin.address),
    ):
        if not re.fullmatch(r"(\[[0-9a-fA-F:]+\]|[^:\s]*):\d{1,5}", address):
            yield f"{name} must be host:port or :port"
    if config.admin.enabled and config.server.address == config.admin.address:
        yield "AUTHPLANE_ADMIN_ADDRESS must differ from AUTHPLANE_SERVER_ADDRESS"
    if config.server.listener == "operator" and not config.admin.enabled:
        yield "AUTHPLANE_LISTENER is operator but AUTHPLANE_ADMIN_ENABLED is false"
    for origin in config.server.allowed_origins:
        parts = urlsplit(origin)
        if origin != "*" and (not parts.scheme or not parts.netloc or parts.path or parts.query):
            yield f"AUTHPLANE_SERVER_ALLOWED_ORIGINS: {origin} is not an origin or *"


def _storage_problems(config: Config) -> Iterator[str]:
    storage = config.storage
    scheme = urlsplit(storage.database_url).scheme
    if storage.database_url and scheme not in {"postgres", "postgresql", "sqlite"}:
        yield "DATABASE_URL must start with postgres:// or sqlite://"
    if not storage.database_url and storage.driver == "postgres" and not storage.postgres_dsn:
        yield "AUTHPLANE_STORAGE_POSTGRES_DSN is required with driver postgres"
    if storage.postgres_dsn and urlsplit(storage.postgres_dsn).scheme not in {
        "postgres",
        "postgresql",
    }:
        yield "AUTHPLANE_STORAGE_POSTGRES_DSN must be a postgres:// URL"
    if storage.redis_url and urlsplit(storage.redis_url).scheme not in {"redis", "rediss", "unix"}:
        yield "REDIS_URL must start with redis://, rediss:// or unix://"
    if storage.postgres_min_conns > storage.postgres_max_conns > 0:
        yield "AUTHPLANE_STORAGE_POSTGRES_MIN_CONNS must not exceed ..._MAX_CONNS"
    if storage.postgres_min_conns and not storage.postgres_max_conns:
        yield "AUTHPLANE_STORAGE_POSTGRES_MIN_CONNS needs ..._MAX_CONNS"


def _registration_problems(config: Config, *, local: bool) -> Iterator[str]:
    if config.dcr.mode == "approved_redirects" and not config.dcr.approved_redirects:
        yield "AUTHPLANE_DCR_APPROVED_REDIRECTS is required in mode approved_redirects"
    for scheme in config.dcr.private_schemes:
        if not re.fullmatch(r"[a-z][a-z0-9+.-]*", scheme) or scheme in {
            "http",
            "https",
            "javascript",
            "data",
            "file",
            "blob",
            "about",
            "vbscript",
            "ws",
            "wss",
        }:
            yield f"AUTHPLANE_DCR_PRIVATE_SCHEMES: {scheme} is not a private-use scheme"
    if not config.cimd.require_https and not local:
        yield "AUTHPLANE_CIMD_REQUIRE_HTTPS may be false only with a localhost issuer"
    if config.cimd.allow_private_addresses and not local:
        yield "AUTHPLANE_CIMD_ALLOW_PRIVATE_ADDRESSES may be true only with a localhost issuer"
    if config.cimd.cache_min > config.cimd.cache_max:
        yield "AUTHPLANE_CIMD_CACHE_MIN must not exceed AUTHPLANE_CIMD_CACHE_TTL"


def _lifetime_problems(config: Config) -> Iterator[str]:
    tokens, limit = config.tokens, config.rate_limit
    longest = max(tokens.access_ttl, tokens.machine_ttl, tokens.exchange_ttl, tokens.xaa_ttl)
    if config.signing.retire_after < longest:
        yield (
            "AUTHPLANE_SIGNING_RETIRE_AFTER must be at least the longest token lifetime, or valid"
            " tokens lose their key"
        )
    if tokens.refresh_ttl > tokens.family_ttl:
        yield "AUTHPLANE_DCR_DEFAULT_REFRESH_EXPIRY must not exceed AUTHPLANE_TOKENS_FAMILY_EXPIRY"
    if limit.auth_fail_max and not (limit.auth_fail_window and limit.auth_lockout):
        yield "AUTHPLANE_RATE_LIMIT_AUTH_FAIL_WINDOW and ..._AUTH_LOCKOUT must be above 0"
    if 0 < config.signing.rotation_interval <= config.signing.jwks_max_age:
        yield "AUTHPLANE_SIGNING_ROTATION_INTERVAL must exceed AUTHPLANE_SIGNING_JWKS_MAX_AGE"


def _certificate_problems(config: Config) -> Iterator[str]:
    """Who may speak about client certificates is unambiguous, and so is where they do it."""
    certificates = config.certificates
    for proxy in certificates.trusted_proxies:
        try:
            everybody = ipaddress.ip_network(proxy).prefixlen == 0
        except ValueError:
            yield "AUTHPLANE_TLS_CLIENT_AUTH_TRUSTED_PROXIES must hold addresses or networks"
            return
        if everybody:
            yield "AUTHPLANE_TLS_CLIENT_AUTH_TRUSTED_PROXIES must not trust every address"
    for name, header in (
        ("HEADER", certificates.header),
        ("VERIFY_HEADER", certificates.verify_header),
    ):
        if not HEADER_NAME.fullmatch(header):
            yield f"AUTHPLANE_TLS_CLIENT_AUTH_{name} must be the name of a header"
    if certificates.header.lower() == certificates.verify_header.lower():
        yield "AUTHPLANE_TLS_CLIENT_AUTH_VERIFY_HEADER must differ from the certificate's header"
    base = certificates.endpoint_base
    if base and (not base.startswith("https://") or not urlsplit(base).hostname):
        yield "AUTHPLANE_TLS_CLIENT_AUTH_ENDPOINT_BASE must be an https URL"
