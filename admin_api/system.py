"""How the server is, how it is configured, and how much it holds. Never a secret or an address."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.db import Error, connection
from django.db.models import Count as Counting
from django.db.models import Q

from admin_api.runtime_settings import notices as operators_notices
from authplane.accounts.models import User
from authplane.core import clock, crypto, shared
from authplane.core.cache import TimedCache
from authplane.core.config import config
from authplane.core.counting import Count, counted, estimated, table_size
from authplane.core.ids import first_uuid7_at
from authplane.core.notices import ceiling_notices, notices
from authplane.core.program import VERSION, as_go_duration, spelled, uptime
from broker.models import Connection
from oauth.clients.selectors import clients
from oauth.keys.record import KeyUnavailable
from oauth.keys.rotation import require_usable_key
from oauth.models import AccessToken, Client
from oauth.registration.policy import mode

HEALTHY, UNHEALTHY, ABSENT = "healthy", "unhealthy", "not_configured"
SECONDS_UNTIL_SEEN: Final = 5.0
NEWEST: Final = 50_000
"""Tokens that are looked at one by one. Of more in a day, these stand for all."""


def statistics() -> dict[str, Any]:
    """How much there is, at most five seconds old.

    `active_tokens_24h` counts the tokens issued in the last 24 hours that were not revoked, and
    `revoked_tokens` those that were. Figures named in `estimated` are about right: there is too
    much to be counted while somebody waits.
    """
    return _statistics.get(0)


def drop() -> None:
    """This process counts anew."""
    _statistics.forget()


def status() -> dict[str, Any]:
    """What works. Each part is tried now."""
    seconds = uptime()
    return {
        "version": VERSION,
        "uptime": spelled(seconds),
        "uptime_secs": seconds,
        "subsystems": [_storage(), _signing(), _encryption(), _shared_state()],
    }


def configuration() -> dict[str, Any]:
    """The choices in force that operators ask about."""
    known, features = config(), config().features
    registration = mode().value
    told = [
        *notices(known, registration_mode=registration),
        *ceiling_notices(known, registration_mode=registration),
    ]
    proofs = {
        "nonce_ttl": as_go_duration(known.dpop.nonce_ttl),
        "require_nonce": known.dpop.require_nonce,
    }
    exchange = {"max_chain_depth": known.exchange.max_chain_depth}
    return {
        "issuer": known.server.issuer,
        "storage": {"driver": connection.vendor},
        "signing": {"algorithm": known.signing.algorithm, "key_store": known.signing.key_store},
        "encryption": {"driver": known.data_keys.driver if known.secrets.data else ""},
        "dcr": {"mode": registration},
        "rate_limit": {"enabled": known.rate_limit.enabled},
        "client_credentials": {"enabled": features.client_credentials},
        "dpop": {
            "enabled": features.dpop,
            **(proofs if features.dpop else {"require_nonce": False}),
        },
        "token_exchange": {
            "enabled": features.token_exchange, **(exchange if features.token_exchange else {})
        },
        "xaa": {"enabled": features.xaa},
        "agents": {"enabled": True, "jwks_listing": known.agents.enable_jwks_listing},
        "oidc": {"enabled": known.oidc.enabled},
        "notices": [*(notice._asdict() for notice in told), *operators_notices()],
    }  # fmt: skip


def _storage() -> dict[str, str]:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            state = HEALTHY
    except Error:
        state = UNHEALTHY
    return {"name": "storage", "status": state, "driver": connection.vendor}


def _signing() -> dict[str, str]:
    try:
        require_usable_key()
        state = HEALTHY
    except (KeyUnavailable, Error):
        state = UNHEALTHY
    return {"name": "signing", "status": state, "driver": config().signing.key_store}


def _encryption() -> dict[str, str]:
    if not config().secrets.data:
        return {"name": "encryption", "status": ABSENT}
    try:
        crypto.open_data_keys()
        state = HEALTHY
    except crypto.CryptoError:
        state = UNHEALTHY
    return {"name": "encryption", "status": state, "driver": config().data_keys.driver}


def _shared_state() -> dict[str, str]:
    if not shared.is_configured():
        return {"name": "shared_state", "status": ABSENT}
    try:
        shared.ask(lambda redis: redis.ping())
        state = HEALTHY
    except shared.SharedStateDown:
        state = UNHEALTHY
    return {"name": "shared_state", "status": state, "driver": "redis"}


def _count(_: int) -> dict[str, Any]:
    listed = counted(clients())
    sizes = {
        "clients": listed if listed.is_exact else table_size(Client),
        "users": table_size(User),
    }
    issued, revoked = _of_a_day()
    sizes |= {
        "active_tokens_24h": Count(issued.number - revoked, issued.is_exact),
        "revoked_tokens": Count(revoked, issued.is_exact),
    }
    usable = (Connection.Status.ACTIVE, Connection.Status.REFRESHING)
    sizes["connections"] = counted(Connection.objects.filter(status__in=usable), limit=NEWEST)
    return {
        **{name: size.number for name, size in sizes.items()},
        "estimated": [name for name, size in sizes.items() if not size.is_exact],
    }


def _of_a_day() -> tuple[Count, int]:
    """Tokens issued in the last 24 hours, and how many of them were revoked."""
    since = first_uuid7_at(clock.now() - timedelta(days=1))
    recent = AccessToken.objects.filter(pk__gte=since)
    newest = recent.order_by("-pk")[:NEWEST].aggregate(
        every=Counting("pk"), revoked=Counting("pk", filter=Q(revoked_at__isnull=False))
    )
    if newest["every"] < NEWEST:
        return Count(newest["every"], is_exact=True), newest["revoked"]
    issued = max(estimated(recent), NEWEST)
    return Count(issued, is_exact=False), round(newest["revoked"] * issued / NEWEST)


_statistics: TimedCache[int, dict[str, Any]] = TimedCache(
    "statistics", ttl=SECONDS_UNTIL_SEEN, load=_count
)
