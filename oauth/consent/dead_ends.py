"""Pages for answers that decide nothing, whoever asks."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import reverse

from authplane.core.pages import error_page

START_AGAIN = "Go back to the application and start again."


def nothing_ticked(back: str) -> HttpResponse:
    """Allow was chosen without anything to allow; ``back`` is where the question is."""
    return error_page(
        status=400,
        title="Nothing is ticked",
        message="You chose Allow without allowing anything. No decision was made.",
        steps=("Go back and tick at least one thing, or choose Deny.",),
        back=(back, "Back"),
    )


def signed_out(step: str = START_AGAIN) -> HttpResponse:
    """The session ended while the user was reading; ``step`` is what helps."""
    return error_page(
        status=401,
        title="You are signed out",
        message="Your session ended before you answered. No decision was made.",
        steps=(step,),
        back=(reverse("login"), "Sign in"),
    )
