"""The names, labels and buckets that dashboards and alarms of the original are written for."""

from __future__ import annotations

import base64

import pytest

from authplane.core import metrics_broker as declared
from authplane.core.config import config

FLOW = (0.5, 1, 2, 5, 10, 30, 60)
STEP = (0.5, 1, 2, 5, 10)
COUNTERS = {
    "oauth_flows_total": ("provider", "status"),
    "oauth_token_refresh_total": ("status", "reason"),
    "oauth_token_revocations_total": ("reason",),
    "oauth_pkce_validations_total": ("status", "reason"),
    "oauth_pkce_states_created_total": (),
    "oauth_pkce_states_cleaned_total": ("reason",),
    "oauth_security_events_total": ("event_type", "severity"),
    "oauth_integrity_violations_total": ("violation_type",),
    "oauth_code_injection_attempts_total": (),
    "oauth_discovery_attempts_total": ("method", "status"),
    "oauth_client_registrations_total": ("status",),
    "oauth_scheduled_refresh_total": ("status", "reason"),
    "oauth_scheduled_refresh_errors_total": ("error_type",),
    "mcp_oauth_flows_total": ("provider", "server_type", "status"),
    "mcp_oauth_callbacks_total": ("provider", "status"),
    "mcp_oauth_sessions_expired_total": ("provider", "reason"),
}
HISTOGRAMS = {
    "oauth_flow_duration_seconds": (("provider", "status"), FLOW),
    "oauth_token_refresh_duration_seconds": (("status",), (0.1, *STEP)),
    "oauth_discovery_duration_seconds": (("method", "status"), STEP),
    "oauth_client_registration_duration_seconds": (("status",), STEP),
    "oauth_scheduled_refresh_duration_seconds": (("status",), FLOW),
    "mcp_oauth_flow_duration_seconds": (
        ("provider", "server_type"), (1, 2, 5, 10, 30, 60, 120, 300),
    ),
}  # fmt: skip
GAUGES = {
    "oauth_active_tokens": (),
    "oauth_active_pkce_states": (),
    "oauth_tokens_expiring_soon": (),
    "mcp_oauth_sessions_active": ("provider",),
}


@pytest.mark.spec(
    "Plugged.in", "P20", "MUST", "names, labels and buckets are those of the original"
)
@pytest.mark.django_db
def test_names_labels_and_buckets(client):
    basic = f"{config().metrics.username}:{config().metrics.password}".encode()
    told = client.get(
        "/metrics", headers={"Authorization": f"Basic {base64.b64encode(basic).decode()}"}
    ).content.decode()

    for kind, table in (("counter", COUNTERS), ("histogram", HISTOGRAMS), ("gauge", GAUGES)):
        for name in table:
            assert f"# TYPE {name} {kind}\n" in told
    assert COUNTERS.items() <= {n: labels for n, (_, labels) in declared.COUNTERS.items()}.items()
    assert HISTOGRAMS == {
        name: (labels, declared.BUCKETS[name]) for name, (_, labels) in declared.HISTOGRAMS.items()
    }
    assert GAUGES == {name: labels for name, (_, labels) in declared.GAUGES.items()}
