"""What a client is told about itself (RFC 7591 section 3.2.1, RFC 7592 section 3)."""

from typing import Any

from authplane.core.config import config
from oauth.clients.policy import SECRET_METHODS
from oauth.clients.records import document_of
from oauth.registration.services import Registered


def client_information(registered: Registered) -> dict[str, Any]:
    """All registered metadata, in the client's own members, with its ids and tokens.

    A secret appears only in the answer that made it: nobody, this server included, can read it
    afterwards.
    """
    client = registered.client
    body: dict[str, Any] = {"client_id": client.client_id}
    if registered.secret is not None:
        body["client_secret"] = registered.secret
    body["client_id_issued_at"] = int(client.created.timestamp())
    if client.token_endpoint_auth_method in SECRET_METHODS:
        body["client_secret_expires_at"] = 0
    body |= document_of(client)
    body["application_type"] = client.application_type or "web"
    if client.scope:
        body["scope"] = client.scope
    if client.status == client.Status.PENDING:
        # No standard's member: it spares developers the search for why nothing works yet.
        body["client_status"] = client.status
    body["registration_access_token"] = registered.registration_token
    body["registration_client_uri"] = f"{config().server.issuer}/oauth/register/{client.client_id}"
    return body
