"""Whether an authorization request makes the person sign in first, and how they get there."""

from __future__ import annotations

from urllib.parse import quote

from django.http import HttpResponse
from django.urls import reverse

from authplane.core import clock
from oauth.authorize.decision import asks_to_sign_in_again
from oauth.authorize.protocol import Wish
from oauth.authorize.responses import see_other
from oauth.sessions import return_to
from oauth.sessions.context import needs_another_sign_in
from oauth.sessions.services import SignedIn, must_sign_in


def demands_sign_in(
    wish: Wish, *, session: SignedIn | None, ticket: return_to.Ticket | None
) -> bool:
    """Nobody is signed in, or not in the way or as lately as the client wants.

    Raises: OAuthError when no sign-in here can be what the client wants.
    """
    is_too_weak = needs_another_sign_in(session, requested=wish.requested_levels, ticket=ticket)
    return must_sign_in(
        session,
        again=asks_to_sign_in_again(wish) or is_too_weak,
        max_age=wish.max_age,
        ticket=ticket,
        now=clock.epoch(),
    )


def to_sign_in(target: str) -> HttpResponse:
    """The sign-in page, which leads back to the request at ``target``."""
    signed = quote(return_to.sign(target), safe="/?:@")
    return see_other(f"{reverse('login')}?redirect={signed}")
