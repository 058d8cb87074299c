"""A verified access token: what the application may rely on, and what it may ask for besides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .errors import insufficient_scope, insufficient_sign_in


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """Issued by the configured issuer, for this resource, in force, and held by its owner.

    Times are epoch seconds. `jkt` and `certificate` are the thumbprints it is bound to. `actors`
    is the `act` claim, the newest actor outermost. `nonce` is sent back with the answer when it is
    not "". `now` and `skew` are those of the verification.
    """

    value: str = field(repr=False)
    subject: str
    client_id: str
    scopes: tuple[str, ...]
    resource: str
    issuer: str
    issued_at: int
    expires_at: int
    jti: str
    claims: Mapping[str, Any] = field(repr=False)
    jkt: str = ""
    certificate: str = ""
    nonce: str = ""
    now: float = 0.0
    skew: int = 0

    @property
    def actors(self) -> Mapping[str, Any] | None:
        """Who acts for the subject; None when nobody does (RFC 8693 section 4.1)."""
        act = self.claims.get("act")
        return act if isinstance(act, dict) else None

    def has(self, *scopes: str) -> bool:
        """The token carries all of these scopes."""
        return set(scopes) <= set(self.scopes)

    def require(self, *scopes: str) -> None:
        """The token carries all of these scopes.

        Raises: Refused with a challenge that makes clients ask their user for more.
        """
        if not self.has(*scopes):
            raise insufficient_scope(scopes)

    def require_sign_in(
        self, *, acr_values: tuple[str, ...] = (), max_age: int | None = None
    ) -> None:
        """The user signed in at one of these levels, and at most `max_age` seconds ago.

        A token that does not say how or when has not shown it.

        Spec: RFC 9470 section 3. Raises: Refused with a challenge that says what is needed.
        """
        level, moment = self.claims.get("acr"), self.claims.get("auth_time")
        is_strong = not acr_values or level in acr_values
        is_fresh = max_age is None or (
            isinstance(moment, int)
            and not isinstance(moment, bool)
            and self.now - moment <= max_age + self.skew
        )
        if not (is_strong and is_fresh):
            raise insufficient_sign_in(acr_values=acr_values, max_age=max_age)
