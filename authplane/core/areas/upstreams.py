"""Settings of tokens that this server holds at services of others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from authplane.core.areas.declare import setting
from authplane.core.env import boolean, duration, integer, secret, text_list

MINUTE: Final = 60
HOUR: Final = 60 * MINUTE


@dataclass(frozen=True, slots=True)
class Broker:
    """Tokens of upstream services. Durations are seconds."""

    margin: int = setting(
        "broker.margin",
        MINUTE,
        "How long an upstream token that is kept must still be valid to be given out.",
        read=duration,
        low=0,
        high=HOUR,
    )
    lease: int = setting(
        "broker.lease",
        MINUTE,
        "How long one process has the refresh of a connection to itself. When it ends and nobody"
        " knows the outcome, broker.indeterminate_policy decides.",
        read=duration,
        low=20,
        high=HOUR,
    )
    refresh_ahead: int = setting(
        "broker.refresh_ahead",
        15 * MINUTE,
        "How long before their end kept upstream tokens are renewed without being asked for.",
        read=duration,
        low=MINUTE,
        high=24 * HOUR,
    )
    refresh_concurrency: int = setting(
        "broker.refresh_concurrency",
        5,
        "How many connections of one provider are renewed at the same time.",
        read=integer,
        low=1,
        high=100,
    )
    keep_access_tokens: bool = setting(
        "broker.keep_access_tokens",
        False,
        "Whether access tokens that can be refreshed are kept, sealed, and given out again while"
        " they are valid. Otherwise each exchange asks the service for a new one.",
        read=boolean,
    )
    indeterminate_policy: str = setting(
        "broker.indeterminate_policy",
        "revoke",
        "What happens to a connection when nobody knows whether its refresh token was used:"
        " revoke ends the connection, retry_once presents the token one more time first.",
        choices=("revoke", "retry_once"),
    )
    cron_secret: str = setting(
        "cron.secret",
        "",
        "Lets a scheduler of yours call /api/oauth/refresh-tokens and /api/oauth/cleanup-pkce with"
        " Authorization: Bearer. Empty: nobody may; the built-in schedule does the same work.",
        variable="CRON_SECRET",
        read=secret,
        empty_is_unset=False,
        secret=True,
    )
    allowed_private_hosts: tuple[str, ...] = setting(
        "broker.allowed_private_hosts",
        (),
        "Upstream hosts that may live at private or loopback addresses. Plain http is accepted"
        " from those of them that are loopback.",
        read=text_list,
    )


@dataclass(frozen=True, slots=True)
class Connect:
    """How users connect accounts at services of others."""

    state_secret: str = setting(
        "connect.state_secret",
        "",
        "Keys the integrity proof of connect states. Empty: a key derived from"
        " AUTHPLANE_INTEGRITY_KEY does. Hops on their way when it changes have to begin again.",
        read=secret,
        secret=True,
    )
    redirect_base_url: str = setting(
        "connect.redirect_base_url",
        "",
        "What callback URLs at upstream services begin with. Empty: the issuer.",
    )
    allowed_return_urls: tuple[str, ...] = setting(
        "connect.allowed_return_urls",
        (),
        "Where users may be sent after connecting, besides the connections page: exact URLs, and"
        " http or https on localhost or 127.0.0.1 with :* for any port.",
        read=text_list,
    )
