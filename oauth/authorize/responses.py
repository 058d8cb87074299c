"""The answer that travels through the browser to the client, and who may receive it.

Always 303: a 302 after the consent form, or a 307, lets a browser repeat the POST, password or
decision included, at the client (RFC 9700 section 4.12).
"""

from dataclasses import dataclass
from datetime import datetime

from django.http import HttpResponse

from authplane.core import clock
from authplane.core.metrics import histogram
from authplane.core.pages import keep_opener
from authplane.core.uris import add_query
from oauth.errors import WIRE, Reason
from oauth.issuers import issuer_url

ISSUER_PARAMETER = "iss"


@dataclass(frozen=True, slots=True)
class ReturnAddress:
    """Where an answer may go: a redirect URI that belongs to a known client, and its state.

    `issuer` is the key of the issuer that answers.

    Only the trust check makes one, so that holding it means that redirecting there is safe.
    """

    redirect_uri: str
    state: str = ""
    issuer: str = ""


def see_other(location: str) -> HttpResponse:
    """A 303 that no cache keeps and that names no referrer.

    Django's redirect class refuses private-use schemes, which registered native clients have.
    """
    response = HttpResponse(status=303)
    response["Location"] = location
    response["Cache-Control"] = "no-store"
    response["Referrer-Policy"] = "same-origin"
    keep_opener(response)
    return response


def code_redirect(address: ReturnAddress, *, code: str) -> HttpResponse:
    """The client receives its code.

    Spec: RFC 6749 section 4.1.2; RFC 9207 section 2 (`iss`).
    """
    return see_other(_location(address, [("code", code)]))


def error_redirect(address: ReturnAddress, *, reason: Reason) -> HttpResponse:
    """The client learns that, and in general terms why, there is no code.

    Spec: RFC 6749 section 4.1.2.1; RFC 9207 section 2 (`iss`, on errors as well).
    """
    wire = WIRE[reason]
    return see_other(
        _location(address, [("error", wire.error), ("error_description", wire.description)])
    )


def observe_flow(*, started: datetime) -> None:
    """The client has its answer; the user's own time is part of the flow."""
    seconds = max(0.0, (clock.now() - started).total_seconds())
    histogram("authserver_auth_flow_duration_seconds").observe(seconds)


def _location(address: ReturnAddress, answer: list[tuple[str, str]]) -> str:
    """The redirect URI with the answer, the issuer and the state the client sent, if it did.

    The issuer is what its metadata say: clients compare it byte by byte and must discard
    the answer when it differs (RFC 9207 section 2.4).
    """
    answer.append((ISSUER_PARAMETER, issuer_url(address.issuer)))
    if address.state:
        answer.append(("state", address.state))
    return add_query(address.redirect_uri, answer)
