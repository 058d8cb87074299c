"""Find a client by the id it sent.

Rows are kept in the process for a few seconds. They serve issuance only: whatever decides
whether an issued token still counts reads the client's status from the database.
"""

from typing import Final

from authplane.core.cache import TimedCache, drop_on_commit
from oauth.clients import metadata_document
from oauth.models import Client

MAX_AGE: Final = 5.0
_MAX_CLIENT_ID: Final = 512


def find_client(client_id: str) -> Client | None:
    """The client of this server's own issuer; treat the row as read-only. None when unknown.

    An id that is the URL of a metadata document is looked up where it points when it is not known
    yet, and again when what is known of it is no longer fresh: for the start of an authorization.
    """
    if metadata_document.is_document_url(client_id):
        return metadata_document.find_or_fetch(client_id)
    return find_known_client(client_id)


def find_known_client(client_id: str) -> Client | None:
    """The same without ever asking the network: for the token path."""
    if not client_id or len(client_id) > _MAX_CLIENT_ID or "\x00" in client_id:
        return None
    known: Client | None = _clients.get(client_id)
    return known


def find_client_of(issuer: str, client_id: str) -> Client | None:
    """The client of another issuer that is served from here, by the issuer's key."""
    if not client_id or len(client_id) > _MAX_CLIENT_ID or "\x00" in client_id:
        return None
    known: Client | None = _others.get(f"{issuer}\n{client_id}")
    return known


def drop(client_id: str, *, issuer: str = "") -> None:
    """Every process reads the client anew once the present transaction is committed."""
    if issuer:
        drop_on_commit(_others, f"{issuer}\n{client_id}")
    else:
        drop_on_commit(_clients, client_id)


def _load(client_id: str) -> Client | None:
    found: Client | None = Client.objects.filter(issuer="", client_id=client_id).first()
    return found


def _load_other(key: str) -> Client | None:
    issuer, _, client_id = key.partition("\n")
    found: Client | None = Client.objects.filter(issuer=issuer, client_id=client_id).first()
    return found


_clients: TimedCache[str, Client | None] = TimedCache("clients", ttl=MAX_AGE, load=_load)
_others: TimedCache[str, Client | None] = TimedCache("other-clients", ttl=MAX_AGE, load=_load_other)
