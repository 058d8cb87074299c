"""The scheduled work of the broker: what runs, and how often."""

from __future__ import annotations

from typing import Final

from authplane.core import clock
from broker.connect.cleanup import purge_states
from broker.proxies.sessions import clean_up
from broker.refresh.ahead import refresh_ahead, sweep_leases
from oauth.maintenance.jobs import MINUTE, Job

REFRESH: Final = Job(
    "broker.refresh_ahead", MINUTE, "Renews kept upstream tokens that end soon.", refresh_ahead
)
SWEEP: Final = Job(
    "broker.sweep_leases", MINUTE, "Decides refreshes of unknown outcome.", sweep_leases
)
PURGE_STATES: Final = Job(
    "broker.purge_connect_states",
    15 * MINUTE,
    "Ends hops to services that nobody came back from, and removes what is long past.",
    lambda: {"deleted": purge_states(clock.now()), "sessions": clean_up(clock.now())},
)
JOBS: Final = (REFRESH, SWEEP, PURGE_STATES)
