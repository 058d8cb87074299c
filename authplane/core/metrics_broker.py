"""Metrics of authorizations at services of others, under the names that dashboards expect.

Their names, labels and buckets are a contract of their own. `provider` is the slug of something
that an operator configured, else `other`: never a host, never a person.
"""

from __future__ import annotations

from typing import Final

SECONDS: Final = (0.5, 1, 2, 5, 10)
MINUTE: Final = (*SECONDS, 30, 60)

COUNTERS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "oauth_flows_total": (
        "Hops to services and providers: each is initiated, then a success or a failure.",
        ("provider", "status"),
    ),
    "oauth_token_refresh_total": (
        "Refreshes of upstream tokens, by how they ended.", ("status", "reason"),
    ),
    "oauth_token_revocations_total": ("Connections ended, with their tokens.", ("reason",)),
    "oauth_token_family_revocations_total": (
        "Families of refresh tokens of ours that were ended.", ("reason",),
    ),
    "oauth_pkce_validations_total": (
        "States that came back, by whether they were believed.", ("status", "reason"),
    ),
    "oauth_proxy_registrations_total": (
        "Registrations of clients at OAuth proxies.", ("proxy", "status"),
    ),
    "oauth_proxy_tokens_issued_total": ("Tokens that OAuth proxies issued.", ("proxy", "grant")),
    "oauth_proxy_upstream_refresh_total": (
        "Upstream tokens asked for on behalf of OAuth proxies.", ("proxy", "status"),
    ),
    "oauth_pkce_states_created_total": ("States that were handed out.", ()),
    "oauth_pkce_states_cleaned_total": ("States that nobody came back with.", ("reason",)),
    "oauth_security_events_total": (
        "What looks like an attack on a hop or a token.", ("event_type", "severity"),
    ),
    "oauth_integrity_violations_total": (
        "States that were altered, used twice or used by others.", ("violation_type",),
    ),
    "oauth_code_injection_attempts_total": (
        "Answers that another user or browser began.", (),
    ),
    "oauth_discovery_attempts_total": (
        "Searches for the authorization server of a remote server.", ("method", "status"),
    ),
    "oauth_client_registrations_total": (
        "Registrations of ours at authorization servers of others.", ("status",),
    ),
    "oauth_scheduled_refresh_total": (
        "Rounds of renewal, by whether all, some or none went well.", ("status", "reason"),
    ),
    "oauth_scheduled_refresh_errors_total": (
        "Connections that a round could not renew.", ("error_type",),
    ),
    "mcp_oauth_flows_total": (
        "The same hops, by what they lead to.", ("provider", "server_type", "status"),
    ),
    "mcp_oauth_callbacks_total": ("Answers that came back from a hop.", ("provider", "status")),
    "mcp_oauth_sessions_expired_total": (
        "Hops that were given up.", ("provider", "reason"),
    ),
}  # fmt: skip

HISTOGRAMS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "oauth_flow_duration_seconds": (
        "Time from leaving for a service until the outcome.", ("provider", "status"),
    ),
    "oauth_token_refresh_duration_seconds": ("Time of one refresh at a service.", ("status",)),
    "oauth_discovery_duration_seconds": (
        "Time to find an authorization server.", ("method", "status"),
    ),
    "oauth_client_registration_duration_seconds": (
        "Time of one registration of ours.", ("status",),
    ),
    "oauth_scheduled_refresh_duration_seconds": ("Time of one round of renewal.", ("status",)),
    "mcp_oauth_flow_duration_seconds": (
        "Time from leaving until the outcome, by what the hop leads to.",
        ("provider", "server_type"),
    ),
}  # fmt: skip

BUCKETS: Final[dict[str, tuple[float, ...]]] = {
    "oauth_flow_duration_seconds": MINUTE,
    "oauth_token_refresh_duration_seconds": (0.1, *SECONDS),
    "oauth_discovery_duration_seconds": SECONDS,
    "oauth_client_registration_duration_seconds": SECONDS,
    "oauth_scheduled_refresh_duration_seconds": MINUTE,
    "mcp_oauth_flow_duration_seconds": (1, 2, 5, 10, 30, 60, 120, 300),
}

GAUGES: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "oauth_active_tokens": ("Connections that can be used.", ()),
    "oauth_active_pkce_states": ("States that may still come back.", ()),
    "oauth_tokens_expiring_soon": (
        "Connections whose access token ends within the time in which it is renewed ahead.", (),
    ),
    "mcp_oauth_sessions_active": ("Hops that may still come back.", ("provider",)),
}  # fmt: skip
