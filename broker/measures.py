"""What is counted, and logged, of hops to services of others and of the tokens they gave.

Counted after the fact, outside of transactions: what was rolled back has not happened. No label
and no line holds a state, a code, a token or the name of a user.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

from django.db import transaction

from authplane.core import clock
from authplane.core.metrics import counter, histogram
from broker.models import ConnectState
from broker.providers.selectors import provider_by_id

SUCCESS: Final = "success"
FAILURE: Final = "failure"
OTHER: Final = "other"
SERVER_TYPES: Final = {
    ConnectState.Kind.CONNECT: "provider",
    ConnectState.Kind.SERVER: "mcp_server",
    ConnectState.Kind.PROXY: "proxy",
    ConnectState.Kind.LOGIN: "identity_provider",
}
SEVERITIES: Final = {
    "token_reuse": "critical",
    "code_injection": "critical",
    "integrity_violation": "high",
}
_CLOSED: Final[dict[str, tuple[tuple[str, ...], ...]]] = {
    "oauth_security_events_total": tuple(SEVERITIES.items()),
    "oauth_integrity_violations_total": (("hash_mismatch",), ("state_reuse",), ("user_mismatch",)),
    "oauth_token_refresh_total": (
        (SUCCESS, "normal"),
        (FAILURE, "normal"),
        ("reuse_detected", "security"),
    ),
    "oauth_token_revocations_total": (("reuse_detected",), ("manual",)),
    "oauth_pkce_validations_total": ((SUCCESS, "valid"),),
}
_SESSION_ENDS: Final = {"expired": "timeout", "manual": "cleanup"}
_REVOCATIONS: Final = frozenset({"reuse_detected", "expired", "security"})

log = logging.getLogger(__name__)
_for_proxy: ContextVar[str] = ContextVar("for_proxy", default="")


def connect() -> None:
    """Counters that alarms watch stand at 0 from the start.

    A series that begins with 1 has never risen, as Prometheus sees it: the first attack after a
    start would raise no alarm.
    """
    for name, several in _CLOSED.items():
        for labels in several:
            counter(name).labels(*labels)


def flow_began(row: ConnectState) -> None:
    """A browser leaves for a service."""
    provider = service_of(row)
    counter("oauth_pkce_states_created_total").inc()
    counter("oauth_flows_total").labels(provider, "initiated").inc()
    counter("mcp_oauth_flows_total").labels(provider, _type_of(row), "initiated").inc()
    log.info("oauth_flow_initiated", extra={"provider": provider, "kind": row.kind})
    log.debug("pkce_state_created", extra={"kind": row.kind})


def flow_ended(row: ConnectState, *, outcome: str, succeeded: bool) -> None:
    """The hop has come to its one outcome. Whoever calls this has made sure that it is the one."""
    _count_end(row, service_of(row), outcome=outcome, status=SUCCESS if succeeded else FAILURE)


def flow_given_up(row: ConnectState, *, outcome: str, reason: str) -> None:
    """Nobody will come back (`expired`, `manual`, `server_deleted`), once this is committed."""
    # Read before: the service may be going together with the row.
    provider = service_of(row)

    def count() -> None:
        _count_end(row, provider, outcome=outcome, status=FAILURE)
        ended = _SESSION_ENDS.get(reason, "manual_clear")
        counter("oauth_pkce_states_cleaned_total").labels(reason).inc()
        counter("mcp_oauth_sessions_expired_total").labels(provider, ended).inc()

    transaction.on_commit(count, robust=True)


def came_back(row: ConnectState | None, status: str) -> None:
    """An answer came: `success`, `invalid_state`, `expired` or `error`."""
    counter("mcp_oauth_callbacks_total").labels(service_of(row) if row else OTHER, status).inc()


def state_checked(reason: str) -> None:
    """A state was looked at: `valid`, `expired`, `not_found`, `user_mismatch` or `integrity`."""
    status = SUCCESS if reason == "valid" else FAILURE
    counter("oauth_pkce_validations_total").labels(status, reason).inc()
    level = logging.DEBUG if status == SUCCESS else logging.WARNING
    log.log(level, "pkce_validation_%s", status, extra={"reason": reason})


def state_violated(violation: str) -> None:
    """A state was altered (`hash_mismatch`), used twice (`state_reuse`) or is somebody else's."""
    counter("oauth_integrity_violations_total").labels(violation).inc()
    if violation == "user_mismatch":
        counter("oauth_code_injection_attempts_total").inc()
        _security_event("code_injection", "oauth_code_injection_attempt")
    elif violation == "hash_mismatch":
        _security_event("integrity_violation", "oauth_integrity_violation")


def refreshed(status: str, reason: str) -> None:
    """A refresh that was needed ended so. A token that was at hand is not counted."""
    counter("oauth_token_refresh_total").labels(status, reason).inc()
    if proxy := _for_proxy.get():
        counter("oauth_proxy_upstream_refresh_total").labels(proxy, status).inc()
    if status == "reuse_detected":
        _security_event("token_reuse", "oauth_refresh_token_reuse_detected")
    elif status == SUCCESS:
        log.info("token_refresh_success", extra={"reason": reason})
    else:
        log.warning("token_refresh_failure", extra={"reason": reason})


@contextmanager
def on_behalf_of(proxy: str) -> Iterator[None]:
    """What is refreshed within it is refreshed for the proxy of this slug."""
    before = _for_proxy.set(proxy)
    try:
        yield
    finally:
        _for_proxy.reset(before)


def ownership_violated() -> None:
    """A user asked for the refresh of a server that is somebody else's."""
    counter("oauth_token_refresh_total").labels(FAILURE, "ownership_failed").inc()
    log.warning("oauth_ownership_violation")


@dataclass(slots=True)
class Attempt:
    """Something that is timed. An exception is its failure; `succeeded` may say so as well."""

    succeeded: bool = True


def refreshing() -> AbstractContextManager[Attempt]:
    """The time of one refresh at the service, by whether it gave a token."""
    log.debug("token_refresh_initiated")
    return _timed("oauth_token_refresh_duration_seconds")


def revoked(reason: str) -> None:
    """A connection is ended, with its tokens, once the transaction is."""
    named = reason if reason in _REVOCATIONS else "manual"
    transaction.on_commit(counter("oauth_token_revocations_total").labels(named).inc, robust=True)


def round_ended(*, renewed: int, failed: int, seconds: float) -> None:
    """A round of renewal is over."""
    status, reason = SUCCESS, "normal"
    if failed:
        status, reason = FAILURE, "partial_failure" if renewed else "complete_failure"
    counter("oauth_scheduled_refresh_total").labels(status, reason).inc()
    histogram("oauth_scheduled_refresh_duration_seconds").labels(status).observe(seconds)


def round_failed(error_type: str) -> None:
    """A connection was not renewed: `no_refresh_token`, `endpoint_error` or `exception`."""
    counter("oauth_scheduled_refresh_errors_total").labels(error_type).inc()


def discovering(method: str) -> AbstractContextManager[Attempt]:
    """One search by `rfc9728`, `www-authenticate` or `manual`; an exception is its failure."""
    return _timed(
        "oauth_discovery_duration_seconds", method, count="oauth_discovery_attempts_total"
    )


def registering() -> AbstractContextManager[Attempt]:
    """One registration of ours at an authorization server; an exception is its failure."""
    return _timed(
        "oauth_client_registration_duration_seconds", count="oauth_client_registrations_total"
    )


def service_of(row: ConnectState) -> str:
    """What an operator called the other end of the hop; `other` for servers of users."""
    provider = row.proxy.provider_id if row.proxy_id and row.proxy else row.provider_id
    if known := provider_by_id(provider):
        return known.slug
    if row.identity_provider_id and row.identity_provider:
        return row.identity_provider.slug
    return OTHER


def _count_end(row: ConnectState, provider: str, *, outcome: str, status: str) -> None:
    server_type = _type_of(row)
    seconds = max(0.0, (clock.now() - row.created_at).total_seconds())
    counter("oauth_flows_total").labels(provider, status).inc()
    histogram("oauth_flow_duration_seconds").labels(provider, status).observe(seconds)
    counter("mcp_oauth_flows_total").labels(
        provider, server_type, SUCCESS if status == SUCCESS else "error"
    ).inc()
    histogram("mcp_oauth_flow_duration_seconds").labels(provider, server_type).observe(seconds)
    log.log(
        logging.INFO if status == SUCCESS else logging.WARNING,
        "oauth_flow_%s",
        status,
        extra={"provider": provider, "kind": row.kind, "outcome": outcome},
    )


def _type_of(row: ConnectState) -> str:
    return SERVER_TYPES[ConnectState.Kind(row.kind)]


def _security_event(event_type: str, line: str) -> None:
    severity = SEVERITIES[event_type]
    counter("oauth_security_events_total").labels(event_type, severity).inc()
    log.error(line, extra={"severity": severity})


@contextmanager
def _timed(duration: str, *labels: str, count: str = "") -> Iterator[Attempt]:
    started, status, attempt = time.perf_counter(), FAILURE, Attempt()
    try:
        yield attempt
        status = SUCCESS if attempt.succeeded else FAILURE
    finally:
        histogram(duration).labels(*labels, status).observe(time.perf_counter() - started)
        if count:
            counter(count).labels(*labels, status).inc()
