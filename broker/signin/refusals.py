"""Why somebody was not signed in, as a page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.http import HttpResponse

from authplane.core.pages import error_page
from authplane.core.ratelimit import Verdict
from broker.connect import state
from broker.connect.refusals import Refusal
from broker.signin import accounts, id_token, profile

AGAIN: Final = "Go back to the sign-in page and try again."
ASK: Final = "Ask whoever runs this server."
REPORT: Final = "If it happens again, tell whoever runs this server, with the code below."

NO_PROVIDER: Final = Refusal(
    404, "not_found", "identity provider is unknown or disabled", "Nobody signs in like that",
    "This server does not know this identity provider, or no longer uses it.", (AGAIN,),
)  # fmt: skip
UPSTREAM_ERROR: Final = Refusal(
    400, "upstream_error", "identity provider answered with an error",
    "You were not signed in", "The identity provider did not sign you in.", (AGAIN, REPORT),
)  # fmt: skip
MALFORMED: Final = Refusal(
    400, "invalid_request", "code or state is missing", "The answer is incomplete",
    "The identity provider sent you back without what is needed.", (AGAIN,),
)  # fmt: skip
WRONG_ISSUER: Final = Refusal(
    400, "invalid_request", "answer is not of the provider that was asked",
    "The answer came from somewhere else",
    "It does not come from the identity provider you were sent to.", (AGAIN, REPORT),
)  # fmt: skip
NOT_BELIEVED: Final = Refusal(
    401, "access_denied", "identity provider's answer is not accepted",
    "You were not signed in", "What the identity provider says cannot be believed.",
    (AGAIN, REPORT),
)  # fmt: skip
NOT_AGAIN: Final = Refusal(
    401, "access_denied", "identity provider did not ask again",
    "You were not asked to sign in again",
    "The application wants you to prove who you are now. The identity provider did not see to it.",
    (AGAIN, REPORT),
)  # fmt: skip
DISABLED: Final = Refusal(
    401, "access_denied", "account is disabled", "Your account is switched off",
    "The identity provider knows you, but your account here may not be used.", (ASK,),
)  # fmt: skip
WRONG_DOMAIN: Final = Refusal(
    403, "access_denied", "e-mail address is not of an allowed domain",
    "Your account cannot be used here",
    "Only people with a verified e-mail address of certain organizations may sign in.", (ASK,),
)  # fmt: skip
EMAIL_TAKEN: Final = Refusal(
    409, "conflict", "another account has this e-mail address",
    "There is an account with your e-mail address already",
    "It is not yours by that alone: an e-mail address can be given to somebody else. Nothing was"
    " changed.",
    (
        "Sign in to that account as before, if it is yours.",
        "Whoever runs this server can link the two (manage.py identity_provider link).",
    ),
)  # fmt: skip
DOWN: Final = Refusal(
    503, "temporarily_unavailable", "identity provider cannot be used now",
    "The identity provider cannot be reached now",
    "Either it is down, or its settings here are wrong.", ("Try again in a minute.", REPORT),
)  # fmt: skip
LIMITED: Final = Refusal(
    429, "rate_limit_exceeded", "rate limit exceeded", "Too many attempts",
    "From where you are, signing in was tried too often.", ("Wait a minute, then try again.",),
)  # fmt: skip

STATE: Final[Mapping[str, Refusal]] = {
    state.INVALID: Refusal(
        400, state.INVALID, "state is unknown or was used before",
        "This answer was used before",
        "It is unknown, or was used already: each counts once.", (AGAIN,),
    ),
    state.EXPIRED: Refusal(
        400, state.EXPIRED, "state has expired", "That took too long",
        "Signing in has to be finished within five minutes.", (AGAIN,),
    ),
    state.VIOLATION: Refusal(
        400, state.VIOLATION, "state was altered", "This answer cannot be trusted",
        "What this server noted about it was changed since.", (AGAIN, REPORT),
    ),
    state.FOREIGN: Refusal(
        400, state.FOREIGN, "state belongs to another browser", "This was begun by somebody else",
        "It was begun in another browser.",
        ("If somebody sent you this link, do not use it.", AGAIN),
    ),
}  # fmt: skip

REASONS: Final[Mapping[str, Refusal]] = {
    id_token.NOT_AGAIN: NOT_AGAIN,
    profile.OTHER_SUBJECT: NOT_BELIEVED,
    accounts.DISABLED: DISABLED,
    accounts.WRONG_DOMAIN: WRONG_DOMAIN,
    accounts.EMAIL_TAKEN: EMAIL_TAKEN,
}
"""What a reason is told as; the others are told as an answer that cannot be believed."""


def refusal_page(refusal: Refusal, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """The page, with a way back to the sign-in page."""
    return error_page(
        status=refusal.status,
        title=refusal.title,
        message=refusal.message,
        steps=refusal.steps,
        cause=refusal.description,
        back=("/login", "Sign in"),
        headers=headers,
    )


def down_page() -> HttpResponse:
    """503: somebody else's fault, and worth another try."""
    return refusal_page(DOWN, {"Retry-After": "30"})


def limited_page(verdict: Verdict) -> HttpResponse:
    """429."""
    return refusal_page(LIMITED, verdict.headers())
