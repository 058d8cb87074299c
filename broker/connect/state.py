"""Begin a hop to an upstream service, and claim its answer: once, by whoever began it, in time."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from audit import events, record
from authplane.accounts.models import User
from authplane.core.crypto import CryptoError
from authplane.core.hashing import b64url, constant_time_equals, new_secret, sha256, sha256_hex
from broker import measures
from broker.connect import integrity
from broker.models import (
    ConnectState,
    IdentityProvider,
    OAuthProxy,
    UpstreamServer,
)
from broker.vault.sealing import open_text, seal_text

LIFETIME: Final = timedelta(minutes=5)
INVALID: Final = "state_invalid"
EXPIRED: Final = "state_expired"
VIOLATION: Final = "integrity_violation"
FOREIGN: Final = "user_mismatch"
REUSE: Final = "state_reuse"
CLAIMED: Final = "claimed"
ABANDONED: Final = "abandoned"
REMOVED: Final = "removed"
_COUNTED: Final[Mapping[str, tuple[str, str, str]]] = {
    FOREIGN: ("user_mismatch", "user_mismatch", "error"),
    REUSE: ("not_found", "state_reuse", "invalid_state"),
    VIOLATION: ("integrity", "hash_mismatch", "error"),
}
"""By violation: what the check, the violation and the answer are counted as."""
_TABLE: Final = "broker_connectstate"
_MAX_STATE: Final = 128


class StateError(Exception):
    """The answer is not believed. `code` is one of the four constants of this module."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Begun:
    """What the browser takes along (`state`, the S256 `challenge`) and what stays here."""

    state: str = field(repr=False)
    challenge: str
    verifier: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Claimed:
    """A hop whose answer belongs to this caller alone."""

    row: ConnectState
    verifier: str = field(repr=False)


def begin(
    *,
    kind: str,
    redirect_uri: str,
    upstream_client_id: str,
    issuer: str = "",
    user: User | None = None,
    provider: uuid.UUID | None = None,
    server: UpstreamServer | None = None,
    proxy: OAuthProxy | None = None,
    identity_provider: IdentityProvider | None = None,
    resource: uuid.UUID | None = None,
    return_url: str = "",
    scopes: Iterable[str] = (),
    context: Mapping[str, Any] | None = None,
    browser_mark: str = "",
    now: datetime,
) -> Begun:
    """A hop that can be claimed for five minutes. The database holds neither state nor verifier.

    ``provider`` is the provider's id. ``browser_mark`` is what a cookie of this browser holds.

    Raises: CryptoError when no data key is configured.
    """
    state, verifier = new_secret(), new_secret()
    row = ConnectState(
        kind=kind,
        state_hash=sha256_hex(state),
        user=user,
        provider_id=provider,
        server=server,
        proxy=proxy,
        identity_provider=identity_provider,
        resource=resource,
        browser_hash=_hash_of(browser_mark),
        redirect_uri=redirect_uri,
        return_url=return_url,
        issuer=issuer,
        client_id=upstream_client_id,
        scopes=list(scopes),
        context=dict(context or {}),
        created_at=now,
        expires_at=now + LIFETIME,
    )
    row.verifier_sealed = seal_text(verifier, table=_TABLE, row=row.pk, column="verifier_sealed")
    integrity.sign(row, verifier=verifier)
    row.save(force_insert=True)
    measures.flow_began(row)
    return Begun(state, b64url(sha256(verifier)), verifier, row.expires_at)


def claim(
    presented_state: str,
    *,
    kinds: Collection[str],
    user: User | None,
    browser_mark: str,
    now: datetime,
) -> Claimed:
    """The hop of this state, spent by this very call: of any number of callers one gets it.

    Called before anything else of the answer is looked at, an error of the service included. A
    hop of somebody else, or of another browser, stays as it is: whoever was tricked into
    following a stranger's link must not be able to end the stranger's hop either.

    Raises: StateError. Reuse, a foreign user and altered rows are recorded.
    """
    row = _find(presented_state, kinds=kinds)
    if row is None:
        measures.state_checked("not_found")
        measures.came_back(None, "invalid_state")
        raise StateError(INVALID)
    if row.user_id != (user.pk if user else None) or not constant_time_equals(
        row.browser_hash, _hash_of(browser_mark)
    ):
        raise _refused(row, FOREIGN, user=user)
    if row.consumed_at is not None:
        raise _refused(row, REUSE, user=user, code=INVALID)
    if row.expires_at <= now:
        measures.state_checked("expired")
        measures.came_back(row, "expired")
        raise StateError(EXPIRED)
    verifier = _verifier_of(row)
    if verifier is None or not integrity.is_intact(row, verifier=verifier):
        if _spend(row, outcome=VIOLATION, now=now):
            measures.flow_ended(row, outcome=VIOLATION, succeeded=False)
        raise _refused(row, VIOLATION, user=user)
    if not _spend(row, outcome=CLAIMED, now=now):
        raise _refused(row, REUSE, user=user, code=INVALID)
    measures.state_checked("valid")
    return Claimed(row, verifier)


def conclude(row: ConnectState, *, outcome: str, succeeded: bool = False) -> None:
    """The tombstone of a claimed hop says what became of it; at most 32 characters of ours.

    The first conclusion counts: each hop comes to one outcome.
    """
    claimed = ConnectState.objects.filter(pk=row.pk, outcome=CLAIMED)
    if claimed.update(outcome=outcome):
        measures.flow_ended(row, outcome=outcome, succeeded=succeeded)
        measures.came_back(row, measures.SUCCESS if succeeded else "error")


def _find(presented_state: str, *, kinds: Collection[str]) -> ConnectState | None:
    if not presented_state or len(presented_state) > _MAX_STATE:
        return None
    return ConnectState.objects.filter(
        state_hash=sha256_hex(presented_state), kind__in=tuple(kinds)
    ).first()


def _spend(row: ConnectState, *, outcome: str, now: datetime) -> bool:
    """Whether this call, of all that try, spent the row: one conditional statement."""
    waiting = ConnectState.objects.filter(pk=row.pk, consumed_at=None)
    return bool(waiting.update(consumed_at=now, outcome=outcome))


def _verifier_of(row: ConnectState) -> str | None:
    try:
        return open_text(row.verifier_sealed, table=_TABLE, row=row.pk, column="verifier_sealed")
    except CryptoError:
        return None


def _hash_of(browser_mark: str) -> str:
    return sha256_hex(browser_mark) if browser_mark else ""


def _refused(row: ConnectState, violation: str, *, user: User | None, code: str = "") -> StateError:
    record.record_refusal(
        events.ConnectStateRefused(
            actor_id=str(user.pk) if user else "",
            kind=row.kind,
            state_id=str(row.pk),
            violation=violation,
        )
    )
    reason, counted, answer = _COUNTED[violation]
    measures.state_checked(reason)
    measures.state_violated(counted)
    measures.came_back(row, answer)
    return StateError(code or violation)
