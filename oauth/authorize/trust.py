"""Who asks, and where the answer may go: decided before anything else is looked at.

Until both are known, every refusal is a page of ours. A server that redirects to an address it
has not verified sends its users wherever an attacker writes into a link.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from django.http import HttpResponse

from authplane.core.metrics import counter
from authplane.core.pages import error_page
from authplane.core.uris import redirect_matches
from oauth.authorize.parameters import Parameters
from oauth.authorize.responses import ReturnAddress
from oauth.errors import WIRE, Reason
from oauth.models import Client

log = logging.getLogger(__name__)


START_AGAIN = (
    "Go back to the application and start again.",
    "If this happens again, tell the people who run the application.",
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A page instead of an answer: constant text for the user, `cause` for the developer."""

    reason: Reason
    status: int
    title: str
    message: str
    cause: str
    steps: tuple[str, ...] = START_AGAIN

    def because(self, reason: Reason) -> "Refusal":
        """The same page for a more exact reason, which the log gets."""
        return replace(self, reason=reason, status=WIRE[reason].status)


UNREADABLE = Refusal(
    Reason.PARAMETER_MALFORMED,
    400,
    "This link cannot be read",
    "The application sent a request that is too long or damaged.",
    "Authorization Error: the query cannot be read",
)
UNKNOWN_CLIENT = Refusal(
    Reason.CLIENT_UNKNOWN,
    400,
    "This application is not known here",
    "The application that sent you has not been registered with this server, or its registration "
    "has ended or cannot be verified at the moment.",
    "Invalid Client: client_id is missing, unknown, or its metadata document was not accepted",
)
INACTIVE_CLIENT = Refusal(
    Reason.CLIENT_INACTIVE,
    403,
    "This application is suspended",
    "An administrator has switched this application off. It gets no access until it is switched "
    "on again.",
    "Client Suspended",
)
PENDING_CLIENT = Refusal(
    Reason.CLIENT_PENDING,
    403,
    "This application waits for approval by an administrator",
    "It gets no access to your account until somebody who runs this server has approved it. There "
    "is nothing wrong with your account.",
    "Client Pending: an administrator has to approve the registration",
    (
        "Tell the people who run this server that you want to use the application.",
        "Once it is approved, go back to the application and start again.",
    ),
)
UNTRUSTED_REDIRECT = Refusal(
    Reason.REDIRECT_INVALID,
    400,
    "This application asks for an answer at a wrong address",
    "The address that the application wants you to be sent to is not one it has registered, so "
    "you stay here and it gets nothing.",
    "Invalid Redirect URI: redirect_uri is missing or does not match a registered one",
)
LAPSED_REFERENCE = Refusal(
    Reason.REQUEST_URI_UNUSABLE,
    400,
    "This link has been used or has lapsed",
    "The application sent you with a reference that works once, for a short time, and in one "
    "browser only.",
    "Invalid Request URI: request_uri is unknown, expired, used, or claimed by another browser",
)
BAD_OBJECT = Refusal(
    Reason.REQUEST_OBJECT_INVALID,
    400,
    "This application's request cannot be verified",
    "The application signs its requests, and the signature or what it covers is not acceptable.",
    "Invalid Request Object: signature, iss, aud, exp or client_id of the request object",
)


class UntrustedRequest(Exception):
    """The request may not be answered by a redirect; the refusal says what the page tells."""

    def __init__(self, refusal: Refusal, *, client_id: str = "") -> None:
        super().__init__(refusal.reason)
        self.refusal = refusal
        self.client_id = client_id


@dataclass(frozen=True, slots=True)
class Asker:
    """An active client and a return address that is its own."""

    client: Client
    address: ReturnAddress


def trusted_client(client_id: str, *, find_client: Callable[[str], Client | None]) -> Client:
    """The client is known and active.

    Raises: UntrustedRequest.
    """
    client = find_client(client_id) if client_id else None
    if client is None:
        raise UntrustedRequest(UNKNOWN_CLIENT)
    if client.status != Client.Status.ACTIVE:
        raise UntrustedRequest(switched_off(client), client_id=client.client_id)
    return client


def switched_off(client: Client) -> Refusal:
    """What users are told of a client that is not active."""
    return PENDING_CLIENT if client.status == Client.Status.PENDING else INACTIVE_CLIENT


def trusted_asker(parameters: Parameters, *, client: Client) -> Asker:
    """The redirect URI is one that the client registered.

    The redirect URI is required even when only one is registered: OAuth 2.1 compares strings, and
    a default would turn a typing error into an answer at an address nobody asked for.

    Spec: RFC 6749 section 3.1.2.4 (MUST NOT redirect to an invalid URI); RFC 9700 section 2.1.
    Raises: UntrustedRequest.
    """
    redirect_uri = parameters.get("redirect_uri")
    if not redirect_uri or not is_registered_redirect(client, redirect_uri):
        raise UntrustedRequest(UNTRUSTED_REDIRECT, client_id=client.client_id)
    return Asker(client, ReturnAddress(redirect_uri, parameters.get("state")))


def is_registered_redirect(client: Client, redirect_uri: str) -> bool:
    """The client registered this redirect URI; only the port of a loopback address may differ.

    Spec: RFC 9700 section 2.1 (exact string matching); RFC 8252 section 7.3 (loopback port).
    """
    return any(redirect_matches(known, redirect_uri) for known in client.redirect_uri_list)


def refusal_page(refusal: Refusal) -> HttpResponse:
    """The page for a refusal that must not become a redirect; counted and logged."""
    counter("authserver_auth_denied_total").labels(reason=refusal.reason).inc()
    log.info("authorization refused", extra={"reason": refusal.reason})
    return error_page(
        status=refusal.status,
        title=refusal.title,
        message=refusal.message,
        steps=refusal.steps,
        cause=refusal.cause,
    )
