"""Clients known by the URL of a document about themselves (Client ID Metadata Documents).

The document is fetched when somebody first starts an authorization with its URL, and again when
it is no longer fresh. Tokens are issued from the stored row; nothing here runs on the token path.

When the document cannot be fetched, what is stored stays good for another day: an outage of a
client's web site must not lock its users out. When the host answers and the answer is not an
acceptable document, new authorizations are refused at once, because a client that withdrew its
document or its redirect URIs has said so.
"""

import logging
import re
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from authplane.core import clock
from authplane.core.config import config
from authplane.core.uris import origin
from oauth.clients import document_store, fetching
from oauth.clients.document_store import Stored
from oauth.clients.keys import refetch_stale_keys
from oauth.models import Client, FetchedDocument
from oauth.registration import policy
from oauth.registration.rules import DOCUMENT
from oauth.registration.schema import BadMetadata, Metadata, read_metadata

log = logging.getLogger(__name__)

MAX_URL: Final = 512
ILLEGAL: Final = re.compile(r"[^\x21-\x7e]|[#<>\"\\^`{|}]")
RELIED_ON_FOR: Final = timedelta(days=1)
"""How long a stored document counts after it ceased to be fresh, while it cannot be fetched."""

WAIT: Final = 2.0
POLL: Final = 0.05
BATCH: Final = 100
PAUSE_AFTER_FAILURE: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Fetched:
    """An acceptable document, or None in `metadata` when the stored one is still the same."""

    metadata: Metadata | None
    etag: str
    lifetime: int


def is_document_url(client_id: str) -> bool:
    """The id is a URL at which a metadata document may be looked for.

    One spelling only: a second one for the same document would be a second client to the users.
    Our own issuer is no host of documents; fetching from ourselves could go round in circles.

    Spec: draft-ietf-oauth-client-id-metadata-document-02 section 3 (https, a path, no dot
    segments, no fragment, no user name).
    """
    schemes = ("https://",) if config().cimd.require_https else ("https://", "http://")
    if not client_id.startswith(schemes) or len(client_id) > MAX_URL or ILLEGAL.search(client_id):
        return False
    try:
        parts = urlsplit(client_id)
        host = origin(client_id)
    except ValueError:
        return False
    segments = parts.path.lower().replace("%2e", ".").split("/")[1:]
    return (
        # Lower case, no user name, no default port: exactly as an origin is written.
        client_id.startswith(f"{host}/")
        and segments[0] != ""
        and "" not in segments[:-1]
        and not {".", ".."} & set(segments)
        and host != origin(config().server.issuer)
    )


def find_or_fetch(client_id: str) -> Client | None:
    """The client that this document describes, as recently as it has to be known; else None.

    A suspended client, or one that waits for approval, is returned as it is stored. None also when
    it is unknown and registration is closed, or when it cannot be verified at present.
    """
    if not config().cimd.enabled or not is_document_url(client_id):
        return None
    now = clock.now()
    stored = document_store.find(client_id)
    if stored is not None and (stored.is_fresh(now=now) or not stored.is_active):
        return stored.client
    if stored is None and policy.is_closed():
        return None
    try:
        return _renewed(client_id, now=now)
    except fetching.Unavailable as outage:
        log.info("metadata document not fetched", extra=_about(client_id, cause=str(outage)))
        stored = document_store.find(client_id)
        return (
            stored.client if stored and stored.is_good_until(now=now, grace=RELIED_ON_FOR) else None
        )
    except fetching.Rejected as rejection:
        log.info("metadata document refused", extra=_about(client_id, cause=str(rejection)))
        return None


def refetch_stale(now: datetime) -> int:
    """Documents and key sets that are not fresh any more are fetched; how many brought something.

    A bounded number at a time, those first that waited longest; a failing one once an hour.
    """
    if not config().cimd.enabled:
        return refetch_stale_keys(limit=BATCH)
    due = (
        FetchedDocument.objects.filter(
            kind=FetchedDocument.Kind.METADATA,
            fresh_until__lte=now,
            client__status__in=(Client.Status.ACTIVE, Client.Status.PENDING),
        )
        .exclude(failure__gt="", checked_at__gt=now - PAUSE_AFTER_FAILURE)
        .order_by("checked_at")
        .values_list("client__client_id", flat=True)[:BATCH]
    )
    renewed = 0
    for client_id in due:
        try:
            renewed += is_document_url(client_id) and _renewed(client_id, now=now) is not None
        except (fetching.Unavailable, fetching.Rejected) as failure:
            log.info("metadata document not renewed", extra=_about(client_id, cause=str(failure)))
    return renewed + refetch_stale_keys(limit=BATCH)


def _renewed(client_id: str, *, now: datetime) -> Client:
    """The client according to its document as it is now.

    However many ask at once, one of them fetches; the others wait for what it brings.

    Raises: fetching.Unavailable, fetching.Rejected.
    """
    turn = fetching.claim_turn(client_id)
    if turn is None:
        return _wait_for_other(client_id)
    try:
        stored = document_store.find(client_id)
        if stored is not None and stored.is_fresh(now=now):
            return stored.client
        try:
            fetched = _fetch(client_id, stored=stored)
        except fetching.Unavailable as outage:
            document_store.note_failure(stored, cause=str(outage), is_rejected=False, now=now)
            raise
        except fetching.Rejected as rejection:
            fetching.remember_failure(client_id)
            document_store.note_failure(stored, cause=str(rejection), is_rejected=True, now=now)
            raise
        fresh_until = now + timedelta(seconds=fetched.lifetime)
        if fetched.metadata is None and stored is not None:
            return document_store.prolong(stored, fresh_until=fresh_until, now=now)
        return document_store.save(
            client_id,
            metadata=_present(fetched.metadata),
            etag=fetched.etag,
            fresh_until=fresh_until,
            now=now,
        )
    finally:
        turn.release()


def _fetch(client_id: str, *, stored: Stored | None) -> Fetched:
    """Raises: fetching.Unavailable, fetching.Rejected."""
    answer = fetching.fetch_published(client_id, etag=stored.etag if stored else "")
    if answer.json is None and stored is not None:
        return Fetched(None, answer.etag, answer.lifetime)
    return Fetched(read_document(answer.json, url=client_id), answer.etag, answer.lifetime)


def read_document(document: Any, *, url: str) -> Metadata:
    """The client that the document at ``url`` describes, if it keeps every rule.

    Spec: draft-ietf-oauth-client-id-metadata-document-02 section 4.1 (client_id equals the URL by
    simple string comparison).
    Raises: fetching.Rejected.
    """
    if not isinstance(document, dict):
        raise fetching.Rejected("document is no JSON object")
    if document.get("client_id") != url:
        raise fetching.Rejected("client_id of the document is not its URL")
    try:
        metadata = read_metadata(document, rules=DOCUMENT)
    except BadMetadata as bad:
        raise fetching.Rejected(str(bad)) from None
    if not policy.are_redirects_approved(metadata.redirect_uris or ()):
        raise fetching.Rejected("a redirect URI is not approved")
    return metadata


def _wait_for_other(client_id: str) -> Client:
    """What the worker that fetches right now brings, if it does so soon.

    Raises: fetching.Unavailable.
    """
    with fetching.one_of_few_threads():
        deadline = time.monotonic() + WAIT
        while time.monotonic() < deadline and fetching.is_being_fetched(client_id):
            time.sleep(POLL)
    stored = document_store.find(client_id)
    if stored is not None and stored.is_fresh(now=clock.now()):
        return stored.client
    raise fetching.Unavailable("another worker is fetching it")


def _present(metadata: Metadata | None) -> Metadata:
    if metadata is None:
        raise fetching.Unavailable("not modified, but nothing is stored")
    return metadata


def _about(client_id: str, *, cause: str) -> dict[str, str]:
    return {"client_id": client_id, "cause": cause}
