"""Metrics under their contract names, correct across worker processes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from django.db import Error
from prometheus_client import (
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    disable_created_metrics,
    generate_latest,
    multiprocess,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from authplane.core import metric_values, metrics_audit, metrics_broker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prometheus_client.metrics_core import Metric

BUCKETS: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

COUNTERS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "authserver_tokens_issued_total": ("Access tokens issued.", ("grant_type",)),
    "authserver_tokens_refreshed_total": ("Refresh tokens rotated.", ()),
    "authserver_tokens_revoked_total": ("Tokens and families revoked.", ("reason",)),
    "authserver_auth_denied_total": ("Requests refused.", ("reason",)),
    "authserver_audit_events_dropped_total": (
        "Audit events that could not be written.", ("action",),
    ),
    "authserver_clients_registered_total": ("Clients registered.", ("source",)),
    "authserver_cimd_fetch_suppressed_total": (
        "Metadata documents not fetched because of a limit.", ("reason",),
    ),
    "authserver_consent_decisions_total": ("Decisions on the consent page.", ("decision",)),
    "authserver_login_attempts_total": ("Sign-in attempts.", ("outcome",)),
    "authserver_refresh_token_reuse_total": ("Replayed refresh tokens.", ()),
    "authserver_auth_code_reuse_total": ("Replayed authorization codes.", ("verifier",)),
    "authserver_revocation_failures_total": (
        "Revocations after a replay that failed.", ("path", "half"),
    ),
    "authplane_dpop_proofs_validated_total": ("DPoP proofs that held and were used.", ()),
    "authplane_dpop_proofs_rejected_total": ("DPoP proofs refused.", ("reason",)),
    "authserver_introspection_total": ("Introspection answers.", ("active",)),
    "authserver_key_rotation_total": ("Signing keys rotated.", ()),
    "authserver_http_requests_total": (
        "HTTP requests.", ("http_method", "http_route", "http_status_code"),
    ),
    "rate_limit_hits_total": ("Requests refused by the window of a route.", ("route",)),
    "authserver_encrypt_errors_total": (
        "Values that could not be sealed or opened.", ("driver", "operation", "error_type"),
    ),
    "authplane_client_credentials_issued_total": ("Tokens issued to machines.", ()),
    "authplane_client_credentials_denied_total": ("Machine token requests refused.", ("reason",)),
    "authplane_fronting_ops_total": ("Fronting links changed by operators.", ("op",)),
    "authplane_token_exchange_total": (
        "Exchanged tokens: direct, fronted or self, by the slugs of source and target.",
        ("kind", "source", "target"),
    ),
    "authplane_token_exchange_denied_total": ("Refused exchanges.", ("reason",)),
    "authplane_agent_tokens_issued_total": ("Tokens issued to agents.", ()),
    "authserver_oidc_jwks_cache_hits_total": ("Key sets of other issuers at hand.", ()),
    "authserver_oidc_jwks_cache_misses_total": ("Key sets of other issuers not at hand.", ()),
    "authplane_xaa_policy_evaluation_total": (
        "Identity assertions held against policies.", ("outcome",),
    ),
    "authplane_xaa_idp_operations_total": (
        "Identity providers registered, changed and deleted.", ("operation",),
    ),
    "authplane_xaa_subject_resolutions_total": (
        "Subjects of identity assertions looked up.", ("outcome",),
    ),
    "authplane_workload_tokens_issued_total": ("Tokens issued to workloads.", ("preset",)),
    "authplane_workload_tokens_denied_total": ("Workload tokens refused.", ("reason",)),
    "authserver_upstream_token_issued_total": (
        "Tokens of upstream services given out.", ("provider", "resource"),
    ),
    "authserver_connection_connect_total": (
        "Accounts at upstream services connected by users.", ("provider",),
    ),
    "authserver_connection_disconnect_total": (
        "Accounts at upstream services disconnected by users.", ("provider",),
    ),
    "authserver_upstream_token_refresh_total": (
        "Refreshes at upstream services, by how they ended.", ("provider", "outcome"),
    ),
    "authplane_forward_auth_total": (
        "Requests that proxy servers asked about, by how it ended.", ("proxy", "outcome"),
    ),
    "authplane_assertions_issued_total": ("Identity assertions issued for users.", ()),
    "authplane_assertions_denied_total": ("Identity assertions refused.", ("reason",)),
    **metrics_broker.COUNTERS,
    **metrics_audit.COUNTERS,
}  # fmt: skip

HISTOGRAMS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "authserver_token_issuance_duration_seconds": ("Time to issue a token.", ()),
    "authserver_auth_flow_duration_seconds": (
        "Time from the authorization request to its answer.", (),
    ),
    "authserver_oidc_exchange_duration_seconds": (
        "Time to have a person's identity from an identity provider.", ("outcome",),
    ),
    "authserver_cimd_fetch_duration_seconds": ("Time to fetch a metadata document.", ()),
    "authserver_db_operation_duration_seconds": ("Time of a ledger statement.", ("op",)),
    "authserver_introspection_duration_seconds": ("Time to answer an introspection.", ()),
    "authserver_key_reload_duration_seconds": ("Time to load signing keys.", ()),
    "authserver_http_request_duration_seconds": (
        "Time to answer an HTTP request.", ("http_method", "http_route", "http_status_code"),
    ),
    "authserver_upstream_token_issuance_duration_seconds": (
        "Time to have a token of an upstream service.", ("provider",),
    ),
    "authserver_encrypt_duration_seconds": (
        "Time to seal or open a value.", ("driver", "operation"),
    ),
    **metrics_broker.HISTOGRAMS,
}  # fmt: skip

GAUGES: Final[dict[str, str]] = {
    "authserver_active_clients": "Clients that may ask for tokens.",
    "authplane_approvals_waiting": "Clients that wait for approval by an administrator.",
    "authserver_active_token_families": "Authorizations that can still be refreshed.",
    **{name: text for name, (text, _) in metrics_broker.GAUGES.items()},
    **metrics_audit.GAUGES,
}

Reading = float | Mapping[tuple[str, ...], float]
"""What a gauge reads: one number, or one for each set of label values."""

# The moments at which counters began are series that nobody asks about.
disable_created_metrics()  # type: ignore[no-untyped-call]

metric_values.install()
if _folder := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
    # Each metric opens its file when it is declared.
    Path(_folder).mkdir(mode=0o700, parents=True, exist_ok=True)

_counters: dict[str, Counter] = {
    name: Counter(name, text, labels) for name, (text, labels) in COUNTERS.items()
}
_histograms: dict[str, Histogram] = {
    name: Histogram(name, text, labels, buckets=metrics_broker.BUCKETS.get(name, BUCKETS))
    for name, (text, labels) in HISTOGRAMS.items()
}
_gauges: dict[str, Callable[[], Reading]] = {}


def counter(name: str) -> Counter:
    """The counter of this name.

    Raises: KeyError for a name that is not declared.
    """
    return _counters[name]


def histogram(name: str) -> Histogram:
    """The histogram of this name.

    Raises: KeyError for a name that is not declared.
    """
    return _histograms[name]


def provide_gauge(name: str, read: Callable[[], Reading]) -> None:
    """``read`` gives the gauge's value whenever metrics are collected.

    Read from the database, where all processes and restarts agree, instead of counted up and down.

    Raises: KeyError for a name that is not declared.
    """
    if name not in GAUGES:
        raise KeyError(name)
    _gauges[name] = read


_requests: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}


def observe_request(*, method: str, route: str, status: int, seconds: float) -> None:
    """One HTTP request was answered. Methods and routes come from closed sets."""
    pair = _requests.get((method, route, status))
    if pair is None:
        labels = (method, route, str(status))
        pair = (
            counter("authserver_http_requests_total").labels(*labels),
            histogram("authserver_http_request_duration_seconds").labels(*labels),
        )
        _requests[method, route, status] = pair
    pair[0].inc()
    pair[1].observe(seconds)


class _GaugeCollector(Collector):
    """The gauges, read when asked for."""

    def collect(self) -> Iterator[Metric]:
        for name, read in list(_gauges.items()):
            try:
                value = read()
            except Error:
                # Without its database a server needs its other metrics more than ever.
                continue
            yield _family(name, value)


def _family(name: str, reading: Reading) -> GaugeMetricFamily:
    if not isinstance(reading, Mapping):
        return GaugeMetricFamily(name, GAUGES[name], value=reading)
    family = GaugeMetricFamily(name, GAUGES[name], labels=metrics_broker.GAUGES[name][1])
    for labels, value in reading.items():
        family.add_metric(labels, value)
    return family


def exposition() -> bytes:
    """All metrics of all processes that share the metrics directory, as Prometheus reads them."""
    if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        gauges = CollectorRegistry()
        gauges.register(_GaugeCollector())
        return generate_latest(REGISTRY) + generate_latest(gauges)
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    registry.register(_GaugeCollector())
    return generate_latest(registry)
