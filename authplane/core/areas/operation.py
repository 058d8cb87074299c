"""Settings of the running server: addresses, storage, keys, sessions, limits, secrets, records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from authplane.core.areas.declare import setting
from authplane.core.env import boolean, duration, integer, rows, secret, text_list

HOUR = 3600
DAY = 24 * HOUR


@dataclass(frozen=True, slots=True)
class Server:
    """The public listener, and what both share."""

    issuer: str = setting(
        "server.issuer",
        "http://localhost:9000",
        "The URL this server is known by, exactly as clients compare it: no trailing slash.",
    )
    address: str = setting("server.address", ":9000", "Where the public listener binds.")
    listener: str = setting(
        "server.listener",
        "public",
        "Which listener this process serves.",
        variable="AUTHPLANE_LISTENER",
        choices=("public", "operator"),
    )
    read_timeout: int = setting(
        "server.read_timeout",
        30,
        "Time limit for a request's headers, and of an idle connection.",
        read=duration,
        low=1,
    )
    write_timeout: int = setting(
        "server.write_timeout",
        30,
        "Time limit for each database statement of a request (PostgreSQL).",
        read=duration,
        low=1,
        high=3600,
    )
    shutdown_wait: int = setting(
        "server.shutdown_wait",
        10,
        "Time requests in flight get when the server stops.",
        read=duration,
        low=0,
    )
    allowed_origins: tuple[str, ...] = setting(
        "server.allowed_origins",
        ("*",),
        "Origins whose pages may call the machine routes; never with credentials.",
        read=text_list,
    )
    allowed_hosts: tuple[str, ...] = setting(
        "server.allowed_hosts",
        (),
        "Host names accepted on pages besides the issuer's.",
        read=text_list,
    )
    trusted_proxies: int = setting(
        "server.trusted_proxies",
        0,
        "How many proxies in front of the server append to X-Forwarded-For. With 0 the header is"
        " ignored.",
        read=integer,
        low=0,
        high=10,
    )
    data_dir: str = setting(
        "server.data_dir",
        "data",
        "Directory of generated secrets, local broker and SQLite file.",
        variable="AUTHPLANE_DATA_DIR",
    )


@dataclass(frozen=True, slots=True)
class Storage:
    """Database and shared memory."""

    database_url: str = setting(
        "storage.database_url",
        "",
        "The database as a URL: postgres://user:password@host:port/name or sqlite:///path. Wins"
        " over every other storage setting.",
        variable="DATABASE_URL",
        read=secret,
        secret=True,
    )
    redis_url: str = setting(
        "storage.redis_url",
        "",
        "Redis, shared by all processes. Without it limits are counted in the process and one-time"
        " values in the database.",
        variable="REDIS_URL",
        read=secret,
        secret=True,
    )
    driver: str = setting(
        "storage.driver",
        "sqlite",
        "Database kind when there is no DATABASE_URL.",
        choices=("sqlite", "postgres"),
    )
    sqlite_path: str = setting("storage.sqlite.path", "data/authserver.db", "The SQLite file.")
    sqlite_wal: bool = setting(
        "storage.sqlite.wal",
        True,
        "Whether SQLite keeps a write-ahead log.",
        read=boolean,
    )
    postgres_dsn: str = setting(
        "storage.postgres.dsn",
        "",
        "PostgreSQL as a URL, with driver postgres.",
        read=secret,
        secret=True,
    )
    postgres_max_conns: int = setting(
        "storage.postgres.max_conns",
        0,
        "Connections per process in a pool; 0 gives each worker thread one lasting connection.",
        read=integer,
        low=0,
        high=1000,
    )
    postgres_min_conns: int = setting(
        "storage.postgres.min_conns",
        0,
        "Connections the pool keeps open.",
        read=integer,
        low=0,
        high=1000,
    )
    postgres_max_conn_lifetime: int = setting(
        "storage.postgres.max_conn_lifetime",
        HOUR,
        "When a pooled connection is replaced.",
        read=duration,
        low=1,
    )
    postgres_max_conn_idle_time: int = setting(
        "storage.postgres.max_conn_idle_time",
        1800,
        "When an idle pooled connection is closed.",
        read=duration,
        low=1,
    )


@dataclass(frozen=True, slots=True)
class Signing:
    """Keys that sign access tokens."""

    algorithm: str = setting(
        "signing.algorithm",
        "ES256",
        "Signature algorithm of new keys.",
        choices=("ES256", "EdDSA", "RS256"),
    )
    key_store: str = setting(
        "signing.key_store",
        "database",
        "Where private keys live: sealed in the database or in a mounted file. postgres_key is an"
        " older name of database; vault_transit is the same and demands that Vault keeps the data"
        " key.",
        choices=("database", "keyfile", "postgres_key", "vault_transit"),
    )
    key_path: str = setting("signing.key_path", "data/keys", "Directory of the key files.")
    rotation_interval: int = setting(
        "signing.rotation_interval",
        90 * DAY,
        "Age at which a key is replaced; 0 never does.",
        read=duration,
        low=0,
    )
    jwks_max_age: int = setting(
        "signing.jwks_max_age",
        300,
        "How long verifiers may keep the key document; a new key is published this long before it"
        " signs.",
        read=duration,
        low=1,
        high=DAY,
    )
    retire_after: int = setting(
        "signing.retire_after",
        2 * HOUR,
        "How long a replaced key stays published; never shorter than the longest token lifetime.",
        read=duration,
        low=0,
    )


@dataclass(frozen=True, slots=True)
class Session:
    """Browser sessions of users."""

    cookie_name: str = setting(
        "session.cookie_name",
        "authserver_session",
        "Name of the public session cookie.",
    )
    max_age: int = setting(
        "session.max_age",
        DAY,
        "When a session ends, however much it is used.",
        read=duration,
        low=60,
    )
    secure: bool = setting(
        "session.secure",
        False,
        "Whether cookies travel over https only. Required unless the issuer is localhost.",
        read=boolean,
    )
    same_site: str = setting(
        "session.same_site",
        "lax",
        "SameSite attribute of the session cookie.",
        choices=("lax", "strict", "none"),
    )


@dataclass(frozen=True, slots=True)
class RateLimit:
    """Budgets of callers."""

    enabled: bool = setting(
        "rate_limit.enabled",
        True,
        "Whether requests are counted per address. Login lockout is not affected.",
        read=boolean,
    )
    rps: int = setting(
        "rate_limit.requests_per_second",
        100,
        "Requests a second from one address.",
        variable="AUTHPLANE_RATE_LIMIT_RPS",
        read=integer,
        low=1,
    )
    burst: int = setting(
        "rate_limit.burst",
        200,
        "Requests one address may make at once.",
        read=integer,
        low=1,
    )
    auth_fail_max: int = setting(
        "rate_limit.auth_fail_max",
        10,
        "Failed sign-ins of one account from one address before it is locked; 0 turns lockout off.",
        read=integer,
        low=0,
    )
    auth_fail_window: int = setting(
        "rate_limit.auth_fail_window",
        600,
        "Time in which failed sign-ins are counted together.",
        read=duration,
        low=0,
    )
    auth_lockout: int = setting(
        "rate_limit.auth_lockout",
        900,
        "How long a locked account stays locked.",
        read=duration,
        low=0,
    )
    max_tracked_identities: int = setting(
        "rate_limit.max_tracked_identities",
        250_000,
        "Callers a process remembers when it counts by itself.",
        read=integer,
        low=10_000,
    )


@dataclass(frozen=True, slots=True)
class Admin:
    """The operator listener."""

    enabled: bool = setting("admin.enabled", True, "Whether it is served at all.", read=boolean)
    address: str = setting("admin.address", ":9001", "Where the operator listener binds.")
    api_key: str = setting(
        "admin.api_key",
        "",
        "Key of the operator API.",
        read=secret,
        secret=True,
    )
    rps: int = setting(
        "admin.requests_per_second",
        0,
        "Requests a second from one address; 0 counts none.",
        variable="",
        read=integer,
        low=0,
    )
    burst: int = setting(
        "admin.burst",
        0,
        "Requests one address may make at once; 0 counts none.",
        variable="",
        read=integer,
        low=0,
    )
    audit_default_lookback: int = setting(
        "admin.audit_default_lookback",
        24 * 3600,
        "How far back a query of the audit record goes that does not say, in seconds.",
        read=duration,
        low=1,
    )
    audit_max_lookback: int = setting(
        "admin.audit_max_lookback",
        720 * 3600,
        "How far back a query of the audit record may go, in seconds; not less than the default.",
        read=duration,
        low=1,
    )
    allowed_hosts: tuple[str, ...] = setting(
        "admin.allowed_hosts",
        (),
        "Host names accepted on the operator listener besides the issuer's and localhost.",
        read=text_list,
    )


@dataclass(frozen=True, slots=True)
class Secrets:
    """Keys. Each has an old value that is still accepted while it is being replaced."""

    session: str = setting(
        "session.secret",
        "",
        "Signs cookies and session data.",
        read=secret,
        secret=True,
    )
    session_old: str = setting(
        "session.secret_old",
        "",
        "The session secret before this one.",
        read=secret,
        secret=True,
    )
    csrf: str = setting(
        "csrf.secret",
        "",
        "Binds the cookie that protects forms.",
        read=secret,
        secret=True,
    )
    csrf_old: str = setting(
        "csrf.secret_old",
        "",
        "The CSRF secret before this one.",
        read=secret,
        secret=True,
    )
    integrity: str = setting(
        "integrity.key",
        "",
        "Signs return targets, links and cursors.",
        read=secret,
        secret=True,
    )
    integrity_old: str = setting(
        "integrity.key_old",
        "",
        "The integrity key before this one.",
        read=secret,
        secret=True,
    )
    pepper: str = setting(
        "client_secret_pepper",
        "",
        "Keys the hash of client secrets.",
        read=secret,
        secret=True,
    )
    pepper_old: str = setting(
        "client_secret_pepper_old",
        "",
        "The pepper before this one.",
        read=secret,
        secret=True,
    )
    data: str = setting(
        "data_encryption.key",
        "",
        "Seals private keys and credentials in the database: 64 hexadecimal digits, or what Vault"
        " made of them (vault:v1:...).",
        read=secret,
        secret=True,
    )
    data_old: str = setting(
        "data_encryption.key_old",
        "",
        "The data key before this one; opens, never seals.",
        read=secret,
        secret=True,
    )


@dataclass(frozen=True, slots=True)
class Metrics:
    """Access to the metrics."""

    username: str = setting(
        "metrics.username",
        "",
        "User of /metrics; without it every request is refused.",
        variable="METRICS_USERNAME",
    )
    password: str = setting(
        "metrics.password",
        "",
        "Password of /metrics.",
        variable="METRICS_PASSWORD",
        read=secret,
        secret=True,
    )


@dataclass(frozen=True, slots=True)
class Logging:
    """What is written to standard output."""

    level: str = setting(
        "logging.level",
        "info",
        "Least severe message that is written.",
        variable="AUTHPLANE_LOG_LEVEL",
        choices=("debug", "info", "warn", "warning", "error"),
    )
    format: str = setting(
        "logging.format",
        "json",
        "Form of a line.",
        variable="AUTHPLANE_LOG_FORMAT",
        choices=("json", "text"),
    )
    add_source: bool = setting(
        "logging.add_source",
        False,
        "Whether a line names file and line of its origin.",
        variable="AUTHPLANE_LOG_ADD_SOURCE",
        read=boolean,
    )


@dataclass(frozen=True, slots=True)
class BrokerProvider:
    """One upstream service to register at the first start, apart from those of the list."""

    slug: str = setting("broker_provider.slug", "", "Short name of one provider to register.")
    display_name: str = setting(
        "broker_provider.display_name", "", "Its name for people. Default: its slug."
    )
    preset: str = setting("broker_provider.preset", "", "The service it is, when that is known.")
    protocol: str = setting("broker_provider.protocol", "", "Its protocol. Default: oauth.")
    client_id: str = setting("broker_provider.client_id", "", "Our client id there.")
    client_secret_ref: str = setting(
        "broker_provider.client_secret_ref",
        "",
        "Name of the variable that holds the client secret: CONNECTOR_... or AUTHPLANE_VAULT_...",
    )
    authorize_url: str = setting("broker_provider.authorize_url", "", "Its authorization endpoint.")
    token_url: str = setting("broker_provider.token_url", "", "Its token endpoint.")
    response_format: str = setting(
        "broker_provider.response_format", "", "How it answers: standard, form or slack."
    )
    domain: str = setting(
        "broker_provider.domain", "", "The host that a preset asks for (Okta, Auth0, GitLab)."
    )
    tenant: str = setting("broker_provider.tenant", "", "The tenant that a preset asks for.")


@dataclass(frozen=True, slots=True)
class Seeds:
    """What exists after the first start. Seeding never changes what is there."""

    resource_uri: str = setting("resource.uri", "", "URI of one resource to create.")
    resource_scopes: tuple[str, ...] = setting(
        "resource.scopes",
        (),
        "Scopes of that resource.",
        read=text_list,
    )
    broker_providers: tuple[dict[str, Any], ...] = setting(
        "broker_providers",
        (),
        "Upstream services to register, as a list in YAML: slug, display_name, protocol, preset,"
        " config_data, and a secret only by reference.",
        variable="",
        read=rows,
    )
    identity_providers: tuple[dict[str, Any], ...] = setting(
        "identity_providers",
        (),
        "OpenID providers that people may sign in with, as a list in YAML: slug, display_name,"
        " issuer, client_id, scopes, allowed_domains, groups_claim, role_map, and a secret only"
        " by reference.",
        variable="",
        read=rows,
    )
    oauth_proxies: tuple[dict[str, Any], ...] = setting(
        "oauth_proxies",
        (),
        "OAuth proxies to create, as a list in YAML: slug, name, mode, provider (its slug or"
        " number), target_url, allowed_redirects, scopes, require_consent, or their oauth_proxy_"
        " names below config.",
        variable="",
        read=rows,
    )
    access_groups: tuple[dict[str, Any], ...] = setting(
        "access_groups",
        (),
        "Groups of API keys to create, as a list in YAML: name, enabled, proxy_access (proxy,"
        " requests_per_minute).",
        variable="",
        read=rows,
    )
    api_keys: tuple[dict[str, Any], ...] = setting(
        "api_keys",
        (),
        "API keys to create, as a list in YAML: name, description, user (e-mail), group (name),"
        " expires_in_days, and key_ref, the variable that holds the key.",
        variable="",
        read=rows,
    )
    connections: tuple[dict[str, Any], ...] = setting(
        "connections",
        (),
        "Connections of users to make, as a list in YAML: user (an e-mail address or id), provider,"
        " and impersonate_sub with scopes for a service account, or api_key_ref for a key.",
        variable="",
        read=rows,
    )
    mcp_servers: tuple[dict[str, Any], ...] = setting(
        "mcp_servers",
        (),
        "Remote MCP servers of users to add, as a list in YAML: user (an e-mail address or id),"
        " url, name.",
        variable="",
        read=rows,
    )
    resources: tuple[dict[str, Any], ...] = setting(
        "resources",
        (),
        "Resources to create, as a list in YAML.",
        variable="",
        read=rows,
    )
    fronting_links: tuple[dict[str, Any], ...] = setting(
        "fronting_links",
        (),
        "Fronting links to create, as a list in YAML: source, target, scope_map.",
        variable="",
        read=rows,
    )
    idps: tuple[dict[str, Any], ...] = setting(
        "idps",
        (),
        "Identity providers to trust, as a list in YAML: name, issuer, jwks_uri, audience.",
        variable="",
        read=rows,
    )
    xaa_policies: tuple[dict[str, Any], ...] = setting(
        "xaa_policies",
        (),
        "Policies for identity assertions, as a list in YAML: name, idp (the provider's issuer),"
        " client_ids, scopes, resources.",
        variable="",
        read=rows,
    )
    subject_mappings: tuple[dict[str, Any], ...] = setting(
        "subject_mappings",
        (),
        "Subjects of identity providers to link, as a list in YAML: idp, idp_subject, local_user"
        " (an e-mail address) or local_user_id.",
        variable="",
        read=rows,
    )
    workload_issuers: tuple[dict[str, Any], ...] = setting(
        "workload_issuers",
        (),
        "Workload issuers to register, as a list in YAML: name, preset, issuer, jwks_uri or jwks,"
        " audience, rules.",
        variable="",
        read=rows,
    )
    assertion_audiences: tuple[dict[str, Any], ...] = setting(
        "assertion_audiences",
        (),
        "Servers to which users are asserted, as a list in YAML: name, audience, client_ids,"
        " remote_client_ids, resources, scopes.",
        variable="",
        read=rows,
    )
