"""Settings of the protocol: lifetimes, registration, metadata documents and grants."""

from __future__ import annotations

from dataclasses import dataclass

from authplane.core.areas.declare import setting
from authplane.core.areas.levels import sign_in_levels
from authplane.core.env import boolean, duration, integer, text_list

HOUR = 3600
DAY = 24 * HOUR


@dataclass(frozen=True, slots=True)
class Tokens:
    """How long what we issue is worth something. Durations are seconds."""

    access_ttl: int = setting(
        "dcr.default_token_expiry",
        900,
        "Lifetime of access tokens issued for a user.",
        read=duration,
        low=10,
        high=DAY,
    )
    refresh_ttl: int = setting(
        "dcr.default_refresh_expiry",
        7 * DAY,
        "How long an unused refresh token stays valid; every use starts it anew.",
        read=duration,
        low=60,
        high=365 * DAY,
    )
    family_ttl: int = setting(
        "tokens.family_expiry",
        90 * DAY,
        "When a chain of refresh tokens ends for good and the user has to sign in again.",
        read=duration,
        low=60,
        high=3650 * DAY,
    )
    machine_ttl: int = setting(
        "client_credentials.token_expiry",
        HOUR,
        "Lifetime of access tokens issued to machines.",
        read=duration,
        low=10,
        high=DAY,
    )
    exchange_ttl: int = setting(
        "token_exchange.token_expiry",
        HOUR,
        "Upper limit of an exchanged token's lifetime.",
        read=duration,
        low=10,
        high=DAY,
    )
    xaa_ttl: int = setting(
        "xaa.token_expiry",
        HOUR,
        "Lifetime of tokens issued for an identity assertion.",
        read=duration,
        low=10,
        high=DAY,
    )
    assertion_ttl: int = setting(
        "xaa.assertion_expiry",
        300,
        "Lifetime of identity assertions that this server makes for others.",
        read=duration,
        low=10,
        high=300,
    )
    code_ttl: int = setting(
        "tokens.code_expiry",
        60,
        "Lifetime of an authorization code.",
        read=duration,
        low=5,
        high=600,
    )
    sign_in_ttl: int = setting(
        "oauth.state_max_age",
        600,
        "Time a user has for sign-in and consent together before the request lapses.",
        read=duration,
        low=30,
        high=HOUR,
    )
    refresh_replay_window: int = setting(
        "tokens.refresh_replay_window",
        10,
        "Seconds in which the same refresh request is answered with the same tokens again, so that"
        " a lost answer does not end the session. 0 turns it off.",
        read=duration,
        low=0,
        high=60,
        variable="AUTHPLANE_REFRESH_REPLAY_WINDOW",
    )
    ledger_retention: int = setting(
        "tokens.ledger_retention",
        30 * DAY,
        "How long the row of an issued token is kept. No token lives as long as the least value.",
        read=duration,
        low=2 * DAY,
        high=3650 * DAY,
    )
    clock_skew: int = setting(
        "tokens.clock_skew",
        30,
        "How far the clock of a client or issuer may be off.",
        read=duration,
        low=0,
        high=300,
    )


@dataclass(frozen=True, slots=True)
class Registration:
    """Dynamic client registration (RFC 7591)."""

    mode: str = setting(
        "dcr.mode",
        "open",
        "Who may register: anyone, only clients whose redirect URIs are approved, or nobody but"
        " administrators.",
        choices=("open", "approved_redirects", "admin_only"),
    )
    approved_redirects: tuple[str, ...] = setting(
        "dcr.approved_redirects",
        (),
        "Redirect URIs accepted in mode approved_redirects.",
        read=text_list,
    )
    rate_limit: int = setting(
        "dcr.rate_limit",
        10,
        "Registrations a second from one address.",
        read=integer,
        low=1,
    )
    rate_limit_burst: int = setting(
        "dcr.rate_limit_burst",
        20,
        "Registrations one address may make at once.",
        read=integer,
        low=1,
    )
    software_rate_limit: int = setting(
        "dcr.software_rate_limit",
        50,
        "Registrations a second that name the same software, from all addresses together.",
        read=integer,
        low=1,
    )
    lapse_after: int = setting(
        "dcr.lapse_after",
        30 * DAY,
        "When a registered client that holds no live grant is removed.",
        read=duration,
        low=HOUR,
    )
    private_schemes: tuple[str, ...] = setting(
        "dcr.private_schemes",
        ("cursor", "vscode"),
        "Private-use URI schemes that self-registered clients may redirect to.",
        read=text_list,
    )


@dataclass(frozen=True, slots=True)
class MetadataDocuments:
    """Clients that are known by the URL of a document about themselves."""

    enabled: bool = setting(
        "cimd.enabled",
        True,
        "Whether a client_id may be the URL of a metadata document.",
        read=boolean,
    )
    require_https: bool = setting(
        "cimd.require_https",
        True,
        "Whether the document must be served over https. False only with a localhost issuer.",
        read=boolean,
    )
    allow_private_addresses: bool = setting(
        "cimd.allow_private_addresses",
        False,
        "Whether the document may live at a private address. True only with a localhost issuer.",
        read=boolean,
    )
    allowed_private_hosts: tuple[str, ...] = setting(
        "cimd.allowed_private_hosts",
        (),
        "Hosts by name that may resolve to private addresses although others may not.",
        read=text_list,
    )
    cache_min: int = setting(
        "cimd.cache_min",
        300,
        "Shortest time a document is kept, whatever its headers say.",
        read=duration,
        low=0,
        high=DAY,
    )
    cache_max: int = setting(
        "cimd.cache_ttl",
        DAY,
        "Longest time a document is kept, whatever its headers say.",
        read=duration,
        low=1,
        high=30 * DAY,
    )
    fetch_timeout: int = setting(
        "cimd.fetch_timeout",
        10,
        "Time limit of one fetch.",
        read=duration,
        low=1,
        high=60,
    )
    max_bytes: int = setting(
        "cimd.max_bytes",
        16384,
        "Size limit of a document.",
        read=integer,
        low=1024,
        high=1048576,
    )
    max_in_flight: int = setting(
        "cimd.max_in_flight",
        16,
        "Fetches at once over all replicas.",
        read=integer,
        low=1,
        high=1000,
    )


@dataclass(frozen=True, slots=True)
class OAuth:
    """Choices the specifications leave open."""

    require_scope: bool = setting(
        "oauth.require_scope",
        False,
        "Whether a request without scope is refused instead of getting the resource's default set.",
        read=boolean,
    )
    default_client_scope: str = setting(
        "oauth.default_client_scope",
        "",
        "Scope ceiling given to self-registered clients that name none.",
    )
    strict_assertion_audience: bool = setting(
        "oauth.strict_assertion_audience",
        False,
        "Whether a client assertion must name the issuer, and the endpoint no longer does.",
        read=boolean,
    )
    require_pushed_requests: bool = setting(
        "oauth.require_pushed_authorization_requests",
        False,
        "Whether every client has to push its authorization requests.",
        read=boolean,
    )
    require_signed_requests: bool = setting(
        "oauth.require_signed_request_object",
        False,
        "Whether every client has to sign its authorization requests.",
        read=boolean,
    )
    acr_values: tuple[str, ...] = setting(
        "sign_in.acr_values",
        ("urn:authplane:acr:password=pwd",),
        "Levels of sign-in that clients may ask for by acr_values, weakest first, each with the"
        " methods it takes: name=method+method. The methods are named as in RFC 8176; the sign-in"
        " page has pwd.",
        read=sign_in_levels,
    )
    revocation_requires_authentication: bool = setting(
        "oauth.revocation_requires_authentication",
        False,
        "Whether a token can be revoked only by its authenticated client.",
        read=boolean,
    )
    error_type_base: str = setting(
        "oauth.error_type_base",
        "",
        "Base of the type member of errors; empty means <issuer>/docs/errors.",
    )


@dataclass(frozen=True, slots=True)
class Exchange:
    """Token exchange (RFC 8693)."""

    max_chain_depth: int = setting(
        "token_exchange.max_chain_depth",
        5,
        "How many hops the act claim of a token may have.",
        read=integer,
        low=1,
        high=10,
    )
    allow_self_exchange: bool = setting(
        "token_exchange.allow_self_exchange",
        False,
        "Whether a client may exchange its own tokens without the user's consent to the target.",
        read=boolean,
    )


@dataclass(frozen=True, slots=True)
class Agents:
    """Clients that say they are agents."""

    enable_jwks_listing: bool = setting(
        "agents.enable_jwks_listing",
        False,
        "Whether the key document lists the agents among the clients, for everybody to read.",
        read=boolean,
    )


@dataclass(frozen=True, slots=True)
class Features:
    """Parts of the server that can be switched as a whole."""

    client_credentials: bool = setting(
        "client_credentials.enabled",
        True,
        "Whether machines can get tokens of their own.",
        read=boolean,
    )
    token_exchange: bool = setting(
        "token_exchange.enabled",
        True,
        "Token exchange (RFC 8693).",
        read=boolean,
    )
    xaa: bool = setting(
        "xaa.enabled",
        True,
        "Whether assertions of registered issuers can be exchanged for tokens (jwt-bearer grant).",
        read=boolean,
    )
    workload: bool = setting(
        "workload.enabled",
        True,
        "Whether workloads get tokens that a registered issuer of theirs vouches for. Part of the"
        " jwt-bearer grant, which xaa.enabled switches as a whole.",
        read=boolean,
    )
    dpop: bool = setting(
        "dpop.enabled",
        True,
        "Whether proofs bind tokens to keys (RFC 9449). While it is off, proofs are ignored.",
        read=boolean,
    )
