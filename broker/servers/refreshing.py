"""POST /api/oauth/refresh: a fresh token for a server, or why there is none."""

from __future__ import annotations

import logging
import uuid
from typing import Final

from django.http import HttpRequest, HttpResponse

from authplane.accounts.models import User
from authplane.core import clock
from authplane.core.crypto import CryptoError
from authplane.core.http import json_response
from broker import measures
from broker.connections.selectors import name_of
from broker.errors import BadProvider, SecretUnavailable
from broker.models import Connection
from broker.refresh.engine import ensure_fresh
from broker.refresh.outcomes import (
    ReconnectNeeded,
    RefreshInProgress,
    TokenReuseDetected,
    UpstreamAway,
)
from broker.servers import limits
from broker.servers.errors import ForeignServer, NoSuchServer
from broker.servers.selectors import owned_server
from broker.servers.view import connection_of
from broker.servers.wire import (
    Refused,
    body_of,
    json_route,
    known_members,
    read_id,
    refused_server,
    require_own_site,
    user_of,
)
from broker.upstream.base import UpstreamError

SKEW: Final = 300
"""Seconds: a token that is valid for longer is fresh, and nothing is done."""

GONE: Final = frozenset({"expired", "revoked"})

log = logging.getLogger(__name__)


def _refresh(request: HttpRequest) -> HttpResponse:
    require_own_site(request)
    if refused := limits.refuse_beyond(request, limits.REFRESH):
        return refused
    user = user_of(request)
    body = body_of(request)
    known_members(body, "serverUuid")
    row = _refreshable(read_id(body.get("serverUuid"), name="serverUuid"), user=user)
    try:
        token = ensure_fresh(row.pk, margin=SKEW, now=clock.now())
    except TokenReuseDetected:
        raise Refused(
            409, "token_reuse_detected",
            "the refresh token may have been used twice; everything was revoked, connect again",
            serverUuid=str(row.server_id),
        ) from None  # fmt: skip
    except ReconnectNeeded as needed:
        raise _reconnect(needed, server=row.server_id) from None
    except RefreshInProgress as busy:
        raise Refused(
            503, "refresh_in_progress", "another request refreshes this connection",
            headers={"Retry-After": str(busy.retry_after)},
        ) from None  # fmt: skip
    except UpstreamAway as away:
        raise Refused(
            500, "upstream_unavailable", "the authorization server gave no token",
            headers={"Retry-After": str(away.retry_after)},
        ) from None  # fmt: skip
    except (BadProvider, SecretUnavailable, CryptoError, UpstreamError) as broken:
        log.error(  # noqa: TRY400 - the cause is known and its text says it all
            "connection cannot be refreshed",
            extra={"provider": name_of(row), "why": type(broken).__name__},
        )
        raise Refused(500, "server_error", "the connection cannot be refreshed now") from None
    return json_response({"success": True, "expiresAt": clock.as_text_or_none(token.expires_at)})


refresh = json_route(POST=_refresh)


def _refreshable(key: uuid.UUID, *, user: User) -> Connection:
    """What is connected at the user's server, with something to refresh it with.

    Raises: Refused.
    """
    try:
        row = connection_of(owned_server(key, user=user))
    except (NoSuchServer, ForeignServer) as refused:
        if isinstance(refused, ForeignServer):
            measures.ownership_violated()
        else:
            measures.refreshed(measures.FAILURE, "no_record")
        raise refused_server(refused) from None
    if row is None or row.credential_sealed is None:
        measures.refreshed(measures.FAILURE, "no_refresh_token")
        raise _no_token(key)
    return row


def _reconnect(needed: ReconnectNeeded, *, server: uuid.UUID | None) -> Refused:
    if needed.code in GONE:
        return _no_token(server)
    return Refused(
        500, "upstream_refused", "the authorization server refused the refresh token",
        serverUuid=str(server),
    )  # fmt: skip


def _no_token(server: uuid.UUID | None) -> Refused:
    return Refused(
        400, "no_refresh_token", "there is no refresh token; connect the server again",
        serverUuid=str(server),
    )  # fmt: skip
