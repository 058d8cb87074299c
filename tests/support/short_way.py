"""To a code without pages, for tests that only need somebody's tokens.

The request itself is made as always. Signing in and allowing are done by the functions that the
two pages call: their forms take three quarters of the time, and have tests of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import httpx

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.oauth_client import User


def code_for(http: httpx.Client, user: User, path: str) -> Mapping[str, str] | None:
    """The parameters with which the user, who allows everything, comes back from `path`.

    None when something else is asked than whether the client may: then it has to be walked.
    """
    from django.conf import settings

    from authplane.accounts.models import User as Account
    from authplane.core import clock
    from oauth.authorize import pending
    from oauth.consent import services
    from oauth.resources.selectors import resource_of_audience

    account = Account.objects.filter(email=user.email, provider="local").first()
    if account is None or not account.is_active or not account.check_password(user.password):
        return None
    if all(cookie.name != settings.SESSION_COOKIE_NAME for cookie in http.cookies.jar):
        # As the cookie that the server sets: a name without a dot is a local one to the jar.
        host = http.base_url.host
        domain = host if "." in host else f"{host}.local"
        http.cookies.set(settings.SESSION_COOKIE_NAME, _session_of(account), domain=domain)
    answer = http.get(path, headers={"Accept": "text/html"})
    asked = urlsplit(answer.headers.get("location", ""))
    if asked.path != "/consent":
        return None
    (request_id,) = parse_qs(asked.query)["session_id"]
    waiting = pending.find_owned(request_id, user=account, now=clock.now())
    resource = resource_of_audience(waiting.resource) if waiting else None
    if waiting is None or resource is None or resource.rules.asks_projects:
        return None
    code = services.allow(waiting, resource=resource, scopes=waiting.scope.split(), now=clock.now())
    return {"code": code, "state": waiting.state}


def _session_of(account: object) -> str:
    """The key of a session in which this person has just given a password."""
    from django.contrib.sessions.backends.db import SessionStore
    from django.http import HttpRequest

    from oauth.sessions.context import PASSWORD
    from oauth.sessions.services import begin_session

    request = HttpRequest()
    request.session = SessionStore()
    begin_session(request, user=account, methods=(PASSWORD,))  # type: ignore[arg-type]
    request.session.save()
    return str(request.session.session_key)
