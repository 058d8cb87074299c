"""Where the parameters of an authorization request really are: in the query, signed, or pushed."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from authplane.core.config import config
from oauth.authorize import pushed, request_object
from oauth.authorize.access import Access, requested_access
from oauth.authorize.parameters import Parameters
from oauth.authorize.protocol import Wish, read_wish
from oauth.authorize.pushed import PushedOnce
from oauth.authorize.trust import BAD_OBJECT, LAPSED_REFERENCE, UntrustedRequest, trusted_client
from oauth.errors import OAuthError, Reason
from oauth.models import Client


@dataclass(frozen=True, slots=True)
class Incoming:
    """A known client and the parameters that count. `pushed` is set when it pushed them."""

    client: Client
    parameters: Parameters
    is_signed: bool = False
    pushed: PushedOnce | None = None


def read_incoming(
    query: Parameters,
    *,
    find_client: Callable[[str], Client | None],
    browser: str,
    now: datetime,
    signed_at: int,
) -> Incoming:
    """What the client asks, wherever it wrote that down.

    Of a pushed request only `client_id` and `request_uri` are read here, of a signed one only
    `client_id` and `request`: whatever else the query says was not said by the client.
    `browser` is the mark of the browser, `signed_at` the moment at which a signature is judged.

    Spec: RFC 9101 sections 5 and 6.3; RFC 9126 section 4.
    Raises: UntrustedRequest.
    """
    client = trusted_client(query.get("client_id"), find_client=find_client)
    reference = query.get("request_uri")
    if pushed.is_reference(reference):
        claimed = pushed.claim(reference, client=client, browser=browser, now=now)
        if claimed is None:
            raise UntrustedRequest(LAPSED_REFERENCE, client_id=client.client_id)
        return Incoming(client, claimed.parameters, pushed=claimed)
    signed = query.get("request")
    if not signed:
        return Incoming(client, query)
    try:
        return Incoming(client, _signed(signed, client=client, at=signed_at), is_signed=True)
    except OAuthError as refusal:
        raise UntrustedRequest(
            BAD_OBJECT.because(refusal.reason), client_id=client.client_id
        ) from None


def parameters_to_push(sent: Parameters, *, client: Client, now: int) -> Incoming:
    """The request a client wants to push, unwrapped when it is signed.

    Spec: RFC 9126 sections 2.1 and 3.
    Raises: OAuthError.
    """
    if sent.get("request_uri"):
        raise OAuthError(Reason.REQUEST_URI_PUSHED)
    signed = sent.get("request")
    if not signed:
        return Incoming(client, sent)
    return Incoming(client, _signed(signed, client=client, at=now), is_signed=True)


def read_request(incoming: Incoming) -> tuple[Wish, Access]:
    """The request is well-formed and may be asked.

    Raises: OAuthError with the reason that the client is told.
    """
    wish = read_wish(incoming.parameters)
    return wish, requested_access(wish, client=incoming.client)


def require_pushed(incoming: Incoming) -> None:
    """The request was pushed, where the client or this server demands that of every request.

    Spec: RFC 9126 sections 5 and 6.
    Raises: OAuthError(REQUEST_PUSH_REQUIRED).
    """
    is_demanded = (
        config().oauth.require_pushed_requests
        or incoming.client.require_pushed_authorization_requests
    )
    if is_demanded and incoming.pushed is None:
        raise OAuthError(Reason.REQUEST_PUSH_REQUIRED)


def require_signed(incoming: Incoming) -> None:
    """The same for the signature; a pushed request was held to it when it was pushed.

    Spec: RFC 9101 section 10.5.
    Raises: OAuthError(REQUEST_OBJECT_REQUIRED).
    """
    is_demanded = (
        config().oauth.require_signed_requests or incoming.client.require_signed_request_object
    )
    if is_demanded and not incoming.is_signed and incoming.pushed is None:
        raise OAuthError(Reason.REQUEST_OBJECT_REQUIRED)


def _signed(text: str, *, client: Client, at: int) -> Parameters:
    return request_object.verified_parameters(text, client=client, now=at)


def peek(query: Parameters, *, now: datetime) -> Parameters:
    """The parameters of a request that this server found valid a moment ago, without a claim."""
    reference = query.get("request_uri")
    if pushed.is_reference(reference):
        return pushed.peek(reference, now=now) or query
    signed = query.get("request")
    return (request_object.peek(signed) or query) if signed else query
