"""Why connecting did not work, as a page for people and as the one error body for programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest, HttpResponse

from authplane.core.http import error_response, prefers_html
from authplane.core.pages import error_page
from broker.connect import state

AGAIN: Final = "Go back to the application and connect the account once more."
REPORT: Final = "If it happens again, tell whoever runs this server, with the code below."


@dataclass(frozen=True, slots=True)
class Refusal:
    """One way of not getting on. `description` is the wire's, the rest is the page's."""

    status: int
    error: str
    description: str
    title: str
    message: str
    steps: tuple[str, ...] = (AGAIN,)


LINK: Final = "This link cannot be used"
NO_RETURN_URL: Final = Refusal(
    400, "invalid_request", "return_url is required", LINK,
    "It does not say where to go afterwards.",
    ("Start again from the application that sent you here.",),
)  # fmt: skip
UNKNOWN: Final = Refusal(
    400, "invalid_request", "unknown provider or resource", LINK,
    "It names a service that this server does not know, or no longer knows.",
    ("Start again from the application that sent you here.",),
)  # fmt: skip
SEVERAL: Final = Refusal(
    400, "invalid_request", "several resources use this provider; name one: resource=<slug>", LINK,
    "It does not say which of several things you want to connect.",
    ("Start again from the application that sent you here.",),
)  # fmt: skip
NOT_BROKERED: Final = Refusal(
    400, "invalid_target", "resource is not provided by this provider", LINK,
    "What it wants to connect is not offered by this service.",
    ("Start again from the application that sent you here.",),
)  # fmt: skip
NO_CONNECT: Final = Refusal(
    400, "invalid_target", "users do not connect accounts of this provider", LINK,
    "Accounts of this service are not connected by users: whoever runs this server sets them up.",
    ("Ask whoever runs this server.",),
)  # fmt: skip
RETURN_URL: Final = Refusal(
    400, "invalid_request", "return URL not in allowed list", LINK,
    "It would send you to an address that this server does not know.",
    ("Whoever runs this server can allow the address: AUTHPLANE_CONNECT_ALLOWED_RETURN_URLS.",
     "Or, for what you want to connect alone, in the policy of its resource."),
)  # fmt: skip
NO_KEY: Final = Refusal(
    503, "service_unavailable",
    "connecting accounts needs AUTHPLANE_DATA_ENCRYPTION_KEY; connect.state_secret is optional",
    "Accounts cannot be connected now",
    "This server has no key to keep credentials under.",
    ("Ask whoever runs this server to set AUTHPLANE_DATA_ENCRYPTION_KEY.",),
)  # fmt: skip
BROKEN: Final = Refusal(
    503, "temporarily_unavailable", "upstream service cannot be used now",
    "The service cannot be reached now",
    "Nothing was connected. Either it is down, or its settings here are wrong.",
    ("Try again in a minute.", REPORT),
)  # fmt: skip
SIGNED_OUT: Final = Refusal(
    403, "access_denied", "not signed in", "You are not signed in",
    "The session ended while you were at the other service. Nothing was connected.",
)  # fmt: skip
NOT_EXCHANGED: Final = Refusal(
    502, "code_exchange_failed", "upstream service gave no token",
    "The service did not complete the connection",
    "You allowed it, but the service then gave this server no access. Nothing was connected.",
    (AGAIN, REPORT),
)  # fmt: skip
UPSTREAM_ERROR: Final = Refusal(
    502, "upstream_error", "upstream service answered with an error",
    "The service reported an error", "Nothing was connected.", (AGAIN, REPORT),
)  # fmt: skip
WRONG_ISSUER: Final = Refusal(
    400, "invalid_request", "iss is not the issuer that was asked",
    "The answer came from somewhere else",
    "It does not come from the service you were sent to, so it was not used.", (AGAIN, REPORT),
)  # fmt: skip
MALFORMED: Final = Refusal(
    400, "invalid_request", "code or state is missing", "The answer is incomplete",
    "The service sent you back without what is needed. Nothing was connected.",
)  # fmt: skip
STATE: Final[Mapping[str, Refusal]] = {
    state.INVALID: Refusal(
        400, state.INVALID, "state is unknown or was used before",
        "This answer was used before",
        "It is unknown, or was used already: each counts once. If the account was connected, it is"
        " listed on your connections page.",
    ),
    state.EXPIRED: Refusal(
        400, state.EXPIRED, "state has expired", "That took too long",
        "Connecting an account has to be finished within five minutes. Nothing was connected.",
    ),
    state.VIOLATION: Refusal(
        400, state.VIOLATION, "state was altered", "This answer cannot be trusted",
        "What this server noted about it was changed since. Nothing was connected.",
        (AGAIN, REPORT),
    ),
    state.FOREIGN: Refusal(
        403, state.FOREIGN, "state belongs to another user or browser",
        "This was begun by somebody else",
        "It was begun by another user or in another browser. Nothing was connected.",
        ("If somebody sent you this link, do not use it.", AGAIN),
    ),
}  # fmt: skip


def refuse(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """The page where a browser asks, the error body for everyone else."""
    if prefers_html(request.headers.get("Accept", "")):
        return refusal_page(refusal)
    return error_response(
        request, error=refusal.error, description=refusal.description, status=refusal.status
    )


def refusal_page(refusal: Refusal) -> HttpResponse:
    """The page."""
    return error_page(
        status=refusal.status,
        title=refusal.title,
        message=refusal.message,
        steps=refusal.steps,
        cause=refusal.description,
        back=("/connections", "Your connections"),
    )
