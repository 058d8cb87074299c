"""A fresh access token of a connection.

However many ask at once, the upstream service is asked once: a service that rotates refresh tokens
takes the second use of one for theft and ends the grant.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from authplane.core import clock
from authplane.core.crypto import CryptoError
from broker import measures
from broker.connections import credentials
from broker.connections.selectors import connection_by_id, name_of
from broker.connections.services import tell_upstream
from broker.errors import BadProvider, SecretUnavailable
from broker.models import Connection
from broker.refresh import claims
from broker.refresh.at_hand import is_done, is_valid, kept
from broker.refresh.claims import Claim
from broker.refresh.endings import count, end_for_reuse, wait_for_user
from broker.refresh.outcomes import (
    AccessToken,
    NoToken,
    ReconnectNeeded,
    RefreshInProgress,
    RefusedUs,
    UpstreamAway,
)
from broker.remote.mending import mend
from broker.upstream.base import TokenAnswer, UpstreamDown, UpstreamRefused, UpstreamUnclear
from broker.upstream.registry import (
    KeyAdapter,
    OAuthAdapter,
    ServiceAccountAdapter,
    adapter_of,
)

PATIENCE: Final = 15.0
FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 2.0

log = logging.getLogger(__name__)


def ensure_fresh(
    connection_id: uuid.UUID,
    *,
    margin: int,
    now: datetime,
    scopes: Iterable[str] = (),
    seen: Connection | None = None,
) -> AccessToken:
    """An access token that was valid for ``margin`` seconds from ``now``, or is brand new.

    Not to be called inside of a transaction: the mark must be seen by others before the service is
    called, and must outlive a failure. Who comes second waits, at most 15 seconds, and gets what
    the first one got. ``scopes`` are the service's names, for service accounts alone; ``seen`` is
    the row as the caller has just read it, which saves reading it again. A service that was
    discovered and refuses us is asked once more, where asking anew found it changed.

    Raises: ReconnectNeeded, TokenReuseDetected, UpstreamAway, RefreshInProgress; BadProvider,
    SecretUnavailable, CryptoError and BadKey when the operator has to mend something.
    """
    wanted = tuple(scopes)
    try:
        return _fresh(connection_id, margin=margin, now=now, scopes=wanted, seen=seen)
    except RefusedUs as refused:
        row = connection_by_id(connection_id)
        if row is None or not mend(row, refusal=refused.refusal, now=clock.now()):
            raise
    return _fresh(connection_id, margin=margin, now=clock.now(), scopes=wanted)


def _fresh(
    connection_id: uuid.UUID,
    *,
    margin: int,
    now: datetime,
    scopes: tuple[str, ...],
    seen: Connection | None = None,
) -> AccessToken:
    first: Connection | None = None
    gives_up = time.monotonic() + PATIENCE
    pause = FIRST_PAUSE
    while True:
        row, seen = seen or connection_by_id(connection_id), None
        _require_usable(row)
        assert row is not None  # noqa: S101 - required above
        first = first or row
        answer = _at_hand(row, first=first, margin=margin, now=now, scopes=scopes)
        if answer is None:
            answer = _try_to_refresh(row, now=now)
        if answer is not None:
            return answer
        if time.monotonic() + pause > gives_up:
            measures.refreshed(measures.FAILURE, "concurrent_failed")
            raise RefreshInProgress
        time.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE)
        now = clock.now()


def settle(connection_id: uuid.UUID, *, now: datetime) -> None:
    """An attempt of unknown outcome, whose lease is over, was decided; others are left alone.

    Raises: as `ensure_fresh`.
    """
    row = connection_by_id(connection_id)
    if row is None or row.refresh_used_at is None or row.lease_until is None:
        return
    if row.lease_until <= now:
        _try_to_refresh(row, now=now)


def _require_usable(row: Connection | None) -> None:
    if row is None or row.status == Connection.Status.REVOKED:
        measures.refreshed(measures.FAILURE, "no_record")
        raise ReconnectNeeded("revoked")
    if row.status == Connection.Status.REAUTH_REQUIRED:
        measures.refreshed(measures.FAILURE, "no_record")
        raise ReconnectNeeded("reauth_required")


def _at_hand(
    row: Connection, *, first: Connection, margin: int, now: datetime, scopes: tuple[str, ...]
) -> AccessToken | None:
    """The token that can be had without a refresh; None when there has to be one.

    Raises: UpstreamAway when the refresh that was waited for has failed; ReconnectNeeded when
    there is nothing to refresh with.
    """
    if is_done(row, first=first):
        # Somebody was done while we waited: what they got is ours too, however short it lives.
        if row.failures > first.failures:
            measures.refreshed(measures.FAILURE, "concurrent_failed")
            raise UpstreamAway(retry_after=claims.FIRST_PAUSE)
        if row.access_sealed is not None:
            measures.refreshed(measures.SUCCESS, "concurrent_success")
            return kept(row)
    if is_valid(row, margin=margin, now=now):
        return kept(row)
    if row.credential_sealed is None:
        wait_for_user(row, "expired")
    adapter = adapter_of(row)
    if isinstance(adapter, OAuthAdapter):
        return None
    return _obtain(row, adapter, scopes=scopes, now=now)


def _obtain(
    row: Connection,
    adapter: KeyAdapter | ServiceAccountAdapter,
    *,
    scopes: tuple[str, ...],
    now: datetime,
) -> AccessToken:
    """A token from a credential that cannot be used up, so nobody waits for anybody."""
    credential = credentials.credential_of(row)
    if adapter.needs not in credential:
        # The provider became one of another kind since.
        wait_for_user(row, "reauth_required")
    try:
        answer = adapter.obtain(credential, scopes=scopes, now=now)
    except UpstreamRefused as refused:
        count(row, "refused", is_refresh=False)
        raise UpstreamAway(retry_after=claims.FIRST_PAUSE) from refused
    except UpstreamDown as down:
        count(row, "unavailable", is_refresh=False)
        raise UpstreamAway(retry_after=down.retry_after) from down
    return AccessToken(
        value=answer.access_token,
        expires_at=credentials.expiry_of(answer, asked_at=now),
        scopes=tuple(row.scopes_granted) if answer.scopes is None else answer.scopes,
        token_type=answer.token_type,
    )


def _try_to_refresh(row: Connection, *, now: datetime) -> AccessToken | None:
    """What the refresh gave; None when somebody else is at it.

    Raises: as `ensure_fresh`.
    """
    # Opened before the mark is set: what our operator has to mend must not look like a theft.
    try:
        adapter = adapter_of(row)
        assert isinstance(adapter, OAuthAdapter)  # noqa: S101 - others never get here
        refresh_token = str(credentials.credential_of(row).get(adapter.needs, ""))
    except (BadProvider, SecretUnavailable, CryptoError):
        measures.refreshed(measures.FAILURE, "exception")
        raise
    if not refresh_token:
        wait_for_user(row, "reauth_required")
    if row.refresh_used_at is None:
        claim = claims.claim(row, now=now)
    elif row.lease_until is not None and row.lease_until > now:
        if claims.has_ended(row):
            seconds = int((row.lease_until - now).total_seconds()) + 1
            measures.refreshed(measures.FAILURE, "concurrent_failed")
            raise UpstreamAway(retry_after=seconds)
        return None
    elif claims.may_try_again(row):
        claim = claims.claim_again(row, now=now)
    else:
        end_for_reuse(row, now=now)
        return None
    if claim is None:
        return None
    try:
        return _refresh(row, claim, adapter, refresh_token)
    except NoToken:
        raise
    except Exception:
        measures.refreshed(measures.FAILURE, "exception")
        raise


def _refresh(
    row: Connection, claim: Claim, adapter: OAuthAdapter, refresh_token: str
) -> AccessToken:
    """The service is asked, and its answer stored before anybody gets it.

    Whatever is raised that is not named here leaves the mark: the outcome is unknown.
    """
    asked_at = clock.now()
    try:
        with measures.refreshing():
            answer = adapter.refresh(refresh_token)
    except UpstreamRefused as refused:
        if refused.is_final or claim.is_last(refused.code):
            claim.conclude(status=Connection.Status.REAUTH_REQUIRED)
            count(row, "refused")
            raise ReconnectNeeded("upstream_refused") from refused
        # Our registration is refused, not the user's grant: it is for the operator to mend.
        claim.give_up(retry_after=0)
        log.error("upstream refuses us", extra={"provider": name_of(row), "why": refused.code})  # noqa: TRY400
        count(row, "misconfigured")
        raise RefusedUs(refused.code, retry_after=claims.FIRST_PAUSE) from refused
    except UpstreamUnclear as unclear:
        claim.leave_open()
        log.warning("outcome unknown", extra={"provider": name_of(row), "why": unclear.why})
        count(row, "indeterminate")
        raise UpstreamAway(retry_after=unclear.retry_after) from unclear
    except UpstreamDown as down:
        claim.give_up(retry_after=down.retry_after)
        log.warning("upstream not reached", extra={"provider": name_of(row), "why": down.why})
        count(row, "unavailable")
        raise UpstreamAway(retry_after=down.retry_after) from down
    changes = claims.fresh_columns(row, answer, asked_at=asked_at)
    if not claim.conclude(**changes):
        _discard(row, answer)
        raise RefreshInProgress
    count(row, "success")
    if answer.refresh_token is not None:
        log.info("token_rotation_complete", extra={"provider": name_of(row)})
    return AccessToken(
        value=answer.access_token,
        expires_at=changes["access_expires_at"],
        scopes=tuple(changes.get("scopes_granted", row.scopes_granted)),
        token_type=answer.token_type,
    )


def _discard(row: Connection, answer: TokenAnswer) -> None:
    """Tokens that came after their connection was ended are given back."""
    tokens = [(answer.access_token, "access_token")]
    if answer.refresh_token is not None:
        tokens.insert(0, (answer.refresh_token, "refresh_token"))
    count(row, "discarded")
    now_ended = Connection.objects.filter(pk=row.pk, status=Connection.Status.REVOKED)
    if now_ended.exists():
        tell_upstream(row, tokens)
        raise ReconnectNeeded("revoked")
