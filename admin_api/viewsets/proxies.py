"""`/admin/oauth-proxies` and `/admin/proxy-sessions`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from admin_api.exceptions import Conflict, Invalid, NotFound, Refused
from admin_api.lookup import asked_id, row_by_id, row_id
from admin_api.operations import operation
from admin_api.pagination import envelope
from admin_api.preconditions import Versioned, take_version
from admin_api.routes import OperatorRoutes
from authplane.core import clock
from authplane.core.http import json_response
from broker.models import OAuthProxy
from broker.proxies import services, sessions
from broker.proxies.errors import BadProxy, NoSuchProxy, PassthroughRefused, ProxyConflict
from broker.proxies.served import PASSTHROUGH
from broker.proxies.view import shown_proxy, shown_session

ABSENT = "OAuth proxy not found"
NO_SESSION = "session not found"


class OAuthProxies(OperatorRoutes):
    """Issuers of their own in front of upstream services."""

    versioned = Versioned(OAuthProxy, key="pk")

    @operation(answers="OAuthProxy", listed="oauth_proxies")
    def list(self, request: Request) -> HttpResponse:
        """All proxies, the newest first."""
        page = self.page(request)
        rows = OAuthProxy.objects.select_related("provider")
        return json_response(envelope("oauth_proxies", rows, page=page, render=shown_proxy))

    @operation(answers="OAuthProxy", status=201, events=("oauth_proxy.created",))
    def create(self, request: Request) -> HttpResponse:
        """A new proxy that can be used as it is."""
        row = _do(services.create_proxy, self.body(request), actor=self.actor(request))
        return json_response(shown_proxy(row), status=201)

    @operation(answers="OAuthProxy")
    def retrieve(self, request: Request, key: str) -> HttpResponse:  # noqa: ARG002 - DRF's
        """One proxy, by id or slug."""
        return json_response(shown_proxy(_do(services.find_proxy, key)))

    @operation(answers="OAuthProxy", events=("oauth_proxy.patched",))
    def change(self, request: Request, key: str) -> HttpResponse:
        """The proxy with the members of the body; with `version`, only while it is that one."""
        body = self.body(request)
        version = take_version(body)
        row = _do(services.find_proxy, key)
        row = _do(services.patch_proxy, row.pk, body, actor=self.actor(request), version=version)
        return json_response(shown_proxy(row))

    @operation(status=204, events=("oauth_proxy.deleted",))
    def remove(self, request: Request, key: str) -> HttpResponse:
        """The proxy is gone, with its clients and their tokens."""
        row = _do(services.find_proxy, key)
        _do(services.delete_proxy, row.pk, actor=self.actor(request))
        return HttpResponse(status=204)


class ProxySessions(OperatorRoutes):
    """Tokens of proxies, by the authorization that they began with."""

    @operation(
        query=("proxy_id", "user_id", "client_id", "active"),
        answers="ProxySession",
        listed="proxy_sessions",
    )
    def list(self, request: Request) -> HttpResponse:
        """Sessions, the newest first; of one proxy, user or client, or those that count."""
        page = self.page(request, "proxy_id", "user_id", "client_id", "active")
        now, rows = clock.now(), sessions.sessions(**_filters(request))
        wanted = request.GET.get("active")
        if wanted is not None:
            if wanted not in {"true", "false"}:
                raise Invalid("active must be true or false")
            counts = sessions.active(now)
            rows = rows.filter(counts if wanted == "true" else ~counts)
        render = partial(shown_session, now=now)
        return json_response(envelope("proxy_sessions", rows, page=page, render=render))

    @operation(answers="ProxySession")
    def retrieve(self, request: Request, key: str) -> HttpResponse:  # noqa: ARG002 - DRF's
        """One session."""
        row = row_by_id(sessions.sessions(), key, NO_SESSION)
        return json_response(shown_session(row, now=clock.now()))

    @operation(status=204, events=("oauth_proxy.session_revoked",))
    def remove(self, request: Request, key: str) -> HttpResponse:
        """None of the session's tokens works any more. Doing it twice changes nothing."""
        try:
            sessions.revoke_session(
                row_id(key, NO_SESSION), now=clock.now(), actor=self.actor(request)
            )
        except sessions.NoSuchSession:
            raise NotFound(NO_SESSION) from None
        return HttpResponse(status=204)

    @operation(answers="ProxySessionStats")
    def stats(self, request: Request) -> HttpResponse:  # noqa: ARG002 - DRF's
        """How many there are, of which kind."""
        return json_response(sessions.statistics(now=clock.now()))

    @operation(answers="Deleted", events=("oauth_proxy.sessions_cleaned",))
    def cleanup(self, request: Request) -> HttpResponse:
        """Sessions that ended are gone."""
        deleted = sessions.clean_up_for(self.actor(request), now=clock.now())
        return json_response({"deleted_count": deleted})


def _do(change: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """What the service returns. Raises: Refused."""
    try:
        return change(*args, **options)
    except NoSuchProxy:
        raise NotFound(ABSENT) from None
    except ProxyConflict as error:
        raise Conflict(str(error)) from None
    except PassthroughRefused as error:
        raise Refused(status=400, error=PASSTHROUGH, text=str(error)) from None
    except BadProxy as error:
        raise Invalid(str(error)) from None


def _filters(request: Request) -> dict[str, Any]:
    """Raises: Invalid."""
    found: dict[str, Any] = {}
    if proxy_id := request.GET.get("proxy_id"):
        if not (proxy_id.isascii() and proxy_id.isdecimal() and len(proxy_id) <= 18):  # noqa: PLR2004
            raise Invalid("proxy_id must be a whole number")
        found["proxy_id"] = int(proxy_id)
    if request.GET.get("user_id"):
        found["user_id"] = asked_id(request, "user_id", whose="a user")
    if client_id := request.GET.get("client_id"):
        found["client__client_id"] = client_id.replace("\0", "")
    return found
