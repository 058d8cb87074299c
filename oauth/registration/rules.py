"""Where registration, metadata documents and administrators differ."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from oauth.clients.policy import AUTH_METHODS, DOCUMENT_AUTH_METHODS

MAX_REDIRECT_URIS: Final = 10
MAX_DOCUMENT_REDIRECT_URIS: Final = 50


@dataclass(frozen=True, slots=True)
class Rules:
    """What a client that comes this way may say about itself."""

    auth_methods: Collection[str]
    any_private_scheme: bool = False
    max_redirect_uris: int = MAX_REDIRECT_URIS
    is_document: bool = False


DYNAMIC: Final = Rules(auth_methods=AUTH_METHODS)
ADMINISTERED: Final = Rules(auth_methods=AUTH_METHODS, any_private_scheme=True)
DOCUMENT: Final = Rules(
    auth_methods=DOCUMENT_AUTH_METHODS,
    max_redirect_uris=MAX_DOCUMENT_REDIRECT_URIS,
    is_document=True,
)
