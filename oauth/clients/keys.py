"""The keys with which a client signs its assertions: registered, or published by the client.

Published keys are kept in the database. The token path reads them from there and goes out only
when there are none yet, when they are too old to be relied on, or once when a token names a key
nobody has seen.
"""

import logging
from datetime import datetime, timedelta
from typing import Any, Final

from authplane.core import clock, leases
from authplane.core.cache import TimedCache, drop_on_commit
from oauth.clients import fetching
from oauth.clients.jwks import jwks_problem, public_members
from oauth.errors import OAuthError, Reason
from oauth.models import Client, FetchedDocument

log = logging.getLogger(__name__)

Keys = list[dict[str, Any]]

SECONDS_BETWEEN_SEARCHES: Final = 60
RELIED_ON_FOR: Final = timedelta(days=1)
"""How long keys count after they ceased to be fresh, while their host cannot be reached."""


def known_keys(client: Client, *, now: datetime) -> Keys:
    """The client's keys, without asking anybody where that can be avoided.

    Raises: OAuthError(TEMPORARILY_UNAVAILABLE) when there are none and none can be had.
    """
    if not client.client_jwks_uri:
        return _keys_in(client.client_jwks)
    stored = _fetched.get(str(client.pk))
    if not _is_good(stored, now=now):
        # Another process may have fetched them a moment ago; asking the database costs less.
        _fetched.forget(str(client.pk))
        stored = _fetched.get(str(client.pk))
    if stored is not None and _is_good(stored, now=now):
        return _keys_in(stored.content)
    fetched = refetch(client, now=now)
    if fetched is None:
        raise OAuthError(Reason.TEMPORARILY_UNAVAILABLE, headers={"Retry-After": "30"})
    return fetched


def _is_good(stored: FetchedDocument | None, *, now: datetime) -> bool:
    """The stored keys may be relied on."""
    if stored is None or stored.is_rejected:
        return False
    return bool(now < stored.fresh_until + RELIED_ON_FOR)


def keys_after_search(client: Client, *, now: datetime) -> Keys | None:
    """The keys fetched anew because a token named an unknown one; None when that is not allowed.

    At most once a minute for each client: otherwise everyone could make us fetch by inventing
    key ids.
    """
    if not client.client_jwks_uri:
        return None
    if leases.claim(f"key-search:{client.pk}", ttl=SECONDS_BETWEEN_SEARCHES) is None:
        return None
    return refetch(client, now=now)


def refetch(client: Client, *, now: datetime) -> Keys | None:
    """The keys as they are published now, and stored; None when they cannot be had.

    One worker at a time fetches them; the others go on with what is stored.
    """
    turn = fetching.claim_turn(client.client_jwks_uri)
    if turn is None:
        return None
    try:
        return _fetch_and_store(client, now=now)
    finally:
        turn.release()


def _fetch_and_store(client: Client, *, now: datetime) -> Keys | None:
    stored = FetchedDocument.objects.filter(
        client_id=client.pk, kind=FetchedDocument.Kind.KEYS
    ).first()
    try:
        answer = fetching.fetch_published(
            client.client_jwks_uri, etag=stored.etag if stored and stored.content else ""
        )
        content = stored.content if answer.json is None and stored else _accepted(answer.json)
    except (fetching.Unavailable, fetching.Rejected) as failure:
        is_rejected = isinstance(failure, fetching.Rejected)
        if is_rejected:
            fetching.remember_failure(client.client_jwks_uri)
        _note_failure(client, cause=str(failure), is_rejected=is_rejected, now=now)
        return None
    FetchedDocument.objects.update_or_create(
        client_id=client.pk,
        kind=FetchedDocument.Kind.KEYS,
        defaults={
            "etag": answer.etag,
            "content": content,
            "fetched_at": now,
            "checked_at": now,
            "fresh_until": now + timedelta(seconds=answer.lifetime),
            "failure": "",
            "is_rejected": False,
        },
    )
    drop(client)
    return _keys_in(content)


def _accepted(document: object) -> dict[str, Any]:
    """Raises: fetching.Rejected."""
    problem = jwks_problem(document)
    if problem is not None or not isinstance(document, dict):
        raise fetching.Rejected("key set is not acceptable")
    return public_members(document)


def _note_failure(client: Client, *, cause: str, is_rejected: bool, now: datetime) -> None:
    log.info("keys of a client not fetched", extra={"client_id": client.client_id, "cause": cause})
    FetchedDocument.objects.filter(client_id=client.pk, kind=FetchedDocument.Kind.KEYS).update(
        checked_at=now, failure=cause[:64], is_rejected=is_rejected
    )
    drop(client)


def drop(client: Client) -> None:
    """Every process reads the client's published keys anew."""
    drop_on_commit(_fetched, str(client.pk))


def _keys_in(content: object) -> Keys:
    keys = content.get("keys", []) if isinstance(content, dict) else []
    return list(keys)


def _load(client_pk: str) -> FetchedDocument | None:
    return FetchedDocument.objects.filter(
        client_id=client_pk, kind=FetchedDocument.Kind.KEYS
    ).first()


_fetched: TimedCache[str, FetchedDocument | None] = TimedCache("client_keys", ttl=5.0, load=_load)


def refetch_stale_keys(*, limit: int) -> int:
    """Published keys that are not fresh any more are fetched; how many were."""
    now = clock.now()
    due = (
        FetchedDocument.objects.filter(
            kind=FetchedDocument.Kind.KEYS,
            fresh_until__lte=now,
            client__status=Client.Status.ACTIVE,
        )
        .exclude(failure__gt="", checked_at__gt=now - timedelta(hours=1))
        .select_related("client")
        .order_by("checked_at")[:limit]
    )
    return sum(refetch(document.client, now=now) is not None for document in due)
