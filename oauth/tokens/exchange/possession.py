"""Exchanging a bound token: by whoever holds its key, or by the resource it was sent to."""

from __future__ import annotations

from collections.abc import Mapping

from oauth.errors import OAuthError, Reason
from oauth.models import Client
from oauth.tokens.exchange.presented import Presented


def require_possession(token: Presented, *, client: Client, shown: Mapping[str, str]) -> None:
    """A bound token is in the hands of somebody who may have it.

    ``shown`` is what this request proved to hold, by the names of the `cnf` claim. The token's own
    client proves the key: without that proof a stolen token is worth nothing here either. A client
    that acts as the resource in the token's audience was sent the token and cannot have its
    sender's key. Nobody else has come by it honestly.

    Spec: RFC 9449 section 6.1; RFC 8705 section 3.1. Who may go without is our policy.
    Raises: OAuthError(SUBJECT_TOKEN_KEY), OAuthError(SUBJECT_TOKEN_BOUND).
    """
    if not token.confirmation:
        return
    if token.standing.application_id == client.pk:
        if any(shown.get(name, "") != value for name, value in token.confirmation.items()):
            raise OAuthError(Reason.SUBJECT_TOKEN_KEY)
        return
    receiver = token.resource
    if receiver is None or client.client_id not in receiver.runtime_client_ids:
        raise OAuthError(Reason.SUBJECT_TOKEN_BOUND)
