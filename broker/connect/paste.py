"""The page where a user pastes the key of a service that has no other way."""

from __future__ import annotations

import re
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from authplane.accounts.models import User
from authplane.core import clock
from authplane.core.metrics import counter
from authplane.core.pages import render_page
from authplane.core.uris import origin
from broker.connect.wishes import Wish
from broker.connections.services import store_secret
from broker.providers.settings import ApiKeySettings
from oauth.authorize.responses import see_other
from oauth.consent.display import shown_resource
from oauth.sessions import csrf
from oauth.sessions.form import Form

MAX_KEY: Final = 4096
_PRINTABLE: Final = re.compile(r"[\x21-\x7e]+( [\x21-\x7e]+)*")


def key_page(
    request: HttpRequest, *, wish: Wish, error: str = "", status: int = 200
) -> HttpResponse:
    """The form. What is pasted is never shown again."""
    settings = wish.provider.usable()
    guide = settings.issuance_instructions_url if isinstance(settings, ApiKeySettings) else ""
    context = {
        "csrf_token": csrf.session_token(request),
        "action": reverse("connect", args=[wish.provider.slug]),
        "provider_name": wish.provider.display_name,
        "resource": shown_resource(wish.resource),
        "resource_slug": wish.resource.slug,
        "return_url": wish.return_url,
        "guide": guide if origin(guide) else "",
        "error": error,
    }
    return render_page("broker/paste_key.html", context, status=status, answers_to=wish.return_url)


def accept_key(request: HttpRequest, *, wish: Wish, user: User, form: Form) -> HttpResponse:
    """The key is stored, sealed, and the user is where the link wanted; or is asked again.

    Raises: CryptoError when no data key is configured.
    """
    key = form.one("api_key").strip()
    if not _PRINTABLE.fullmatch(key) or len(key) > MAX_KEY:
        # Anything else could not be sent in a header, or would end it and begin another.
        return key_page(
            request, wish=wish, status=422,
            error="Paste the key as the service shows it: one line, no quotation marks around it.",
        )  # fmt: skip
    store_secret(
        user_id=user.pk,
        provider_id=wish.provider.id,
        members={"api_key": key},
        now=clock.now(),
    )
    counter("authserver_connection_connect_total").labels(wish.provider.slug).inc()
    return see_other(wish.return_url)
