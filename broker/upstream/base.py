"""What an upstream service can answer, and the ways in which it can fail to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

UNEXPLAINED: Final = "unexplained"
"""A service refused a request and did not say why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenAnswer:
    """Tokens of an upstream service. No token shows in its text form.

    `expires_in` is seconds, None when the service did not say; `scopes` is None when it named
    none, which means: as asked for. `account` is whose account it is, as the service says, and
    `id_token` what it signed about that, unread; "" where there is none.
    """

    access_token: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    expires_in: int | None = None
    scopes: tuple[str, ...] | None = None
    token_type: str = "Bearer"  # noqa: S105 - a kind of token
    account: str = ""
    id_token: str = field(default="", repr=False)


class UpstreamError(Exception):
    """The upstream service gave no token."""


class UpstreamRefused(UpstreamError):
    """The service said no and did nothing. `code` is from a closed list, never its own text."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code

    @property
    def is_final(self) -> bool:
        """The credential itself is refused: presenting it again changes nothing."""
        return self.code == "invalid_grant"


class UpstreamDown(UpstreamError):
    """No token now; worth another try after `retry_after` seconds. `why` is for the log."""

    def __init__(self, why: str, *, retry_after: int = 5) -> None:
        super().__init__(why)
        self.why = why
        self.retry_after = retry_after


class UpstreamUnclear(UpstreamDown):
    """The request had left: nobody knows whether the service acted on it."""


class NotSent(UpstreamDown):
    """Nothing of the request had left, or the service put it off: it has not acted on it."""
