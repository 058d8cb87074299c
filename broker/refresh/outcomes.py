"""How asking for a fresh token can end."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """An access token of an upstream service. It does not show in its text form.

    `expires_at` is None when it does not expire or nobody said; `scopes` are what it is good for
    as far as the service told.
    """

    value: str = field(repr=False)
    expires_at: datetime | None = None
    scopes: tuple[str, ...] = ()
    token_type: str = "Bearer"  # noqa: S105 - a kind of token


class NoToken(Exception):
    """There is no token; subclasses say why, and what helps."""


class ReconnectNeeded(NoToken):
    """The connection cannot be used until its user connects again.

    `code` is upstream_refused, reauth_required, revoked or expired.
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class TokenReuseDetected(ReconnectNeeded):
    """Nobody knows whether the refresh token was used: the connection was ended (409)."""

    def __init__(self) -> None:
        super().__init__("token_reuse_detected")


class UpstreamAway(NoToken):
    """The service gave no token; worth another try after `retry_after` seconds (503)."""

    def __init__(self, *, retry_after: int) -> None:
        super().__init__("upstream_unavailable")
        self.retry_after = max(1, retry_after)


class RefusedUs(UpstreamAway):
    """The service refused this server, not the user; `refusal` is what it is called here."""

    def __init__(self, refusal: str, *, retry_after: int) -> None:
        super().__init__(retry_after=retry_after)
        self.refusal = refusal


class RefreshInProgress(UpstreamAway):
    """Somebody else refreshes the connection and is not done yet (503)."""

    def __init__(self, *, retry_after: int = 2) -> None:
        super().__init__(retry_after=retry_after)
        self.args = ("refresh_in_progress",)
