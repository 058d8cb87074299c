"""Configuration names that are known and cannot be obeyed; each stops the start with its reason.

A name that is silently ignored leaves an operator believing in a protection that is not there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_SIGNING_INSIDE = (
    "signing inside of Vault; keys are sealed under the data key that Vault wraps, by"
    " AUTHPLANE_DATA_ENCRYPTION_VAULT_*"
)

ABSENT_FEATURES: dict[str, str] = {
    "AUTHPLANE_LOG_OTEL": "log export over OTLP",
    "AUTHPLANE_METRICS_INSECURE": "metrics export over OTLP",
    "AUTHPLANE_METRICS_OTEL_": "metrics export over OTLP",
    "AUTHPLANE_SERVER_IDLE_TIMEOUT": "an idle limit apart from AUTHPLANE_SERVER_READ_TIMEOUT",
    "AUTHPLANE_TRACING_": "tracing",
    "AUTHPLANE_VAULT_ADDR": _SIGNING_INSIDE,
    "AUTHPLANE_VAULT_APPROLE_": _SIGNING_INSIDE,
    "AUTHPLANE_VAULT_TIMEOUT": _SIGNING_INSIDE,
    "AUTHPLANE_VAULT_TOKEN": _SIGNING_INSIDE,
    "AUTHPLANE_VAULT_TRANSIT_": _SIGNING_INSIDE,
}
"""Variable prefix to the feature it belongs to. A feature that arrives takes its entry away."""

ABSENT_SECTIONS: dict[str, str] = {
    "signing.vault_transit": _SIGNING_INSIDE,
    "server.idle_timeout": "an idle limit apart from server.read_timeout",
    "tracing": "tracing",
    "logging.outputs.otel": "log export over OTLP",
    "metrics.otel_endpoint": "metrics export over OTLP",
}
"""The same for the YAML file."""

REMOVED_KEYS: dict[str, str] = {
    "resource_servers": "use resources",
    "vault_connectors": "use broker_providers",
    "vault_connect": "use connect",
    "oidc.client_secret_env": "use oidc.client_secret_ref",
    "token_exchange.cross_client_allowlist": "use the policy of the resource",
}
"""YAML keys of earlier releases of this configuration format, with what replaces them."""


def _one_of(*accepted: str) -> Callable[[str], bool]:
    return lambda value: value.strip().lower() in accepted


_OFF = _one_of("false", "0", "no", "off")
_ON = _one_of("true", "1", "yes", "on")

FIXED: dict[str, tuple[Callable[[str], bool], str]] = {
    "AUTHPLANE_SESSION_FAIL_CLOSED": (_ON, "sessions always fail closed"),
    "AUTHPLANE_METRICS_PROVIDER": (_one_of("prometheus"), "metrics are exported to Prometheus"),
    "AUTHPLANE_METRICS_PATH": (_one_of("/metrics"), "metrics are always at /metrics"),
    "AUTHPLANE_LOG_STDOUT": (_ON, "log lines always go to standard output"),
    "AUTHPLANE_SIGNING_PG_ENCRYPTION_KEY_ENV": (
        lambda _value: True,
        "private keys are sealed with the data encryption key",
    ),
}
"""Known variables with one possible meaning here: what they may say, and why nothing else."""

IGNORED_PREFIXES = ("AUTHPLANE_TEST_", "AUTHPLANE_VAULT_")
"""Variables that steer the test suite and never the server; secrets that providers refer to."""


def absent_feature(variable: str) -> str | None:
    """The feature ``variable`` belongs to if this build lacks it."""
    for prefix, feature in ABSENT_FEATURES.items():
        if variable.startswith(prefix):
            return feature
    return None


def variable_problems(environment: Mapping[str, str], *, known: set[str]) -> Iterator[str]:
    """One problem for each variable that belongs to a feature which does not exist.

    Saying that a missing feature is off (``..._ENABLED=false``) agrees with the facts and passes.
    """
    for name in sorted(environment):
        value = environment[name]
        if name in known or not value:
            continue
        if name in FIXED:
            accepts, reason = FIXED[name]
            if not accepts(value):
                yield f"{name}: {reason}"
            continue
        feature = absent_feature(name)
        if feature is None or (name.endswith("_ENABLED") and _OFF(value)):
            continue
        yield f"{name}: this build does not have {feature}; remove the variable"
