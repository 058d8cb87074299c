"""Stage 4, identify: the caller is who it authenticates as, or whom its workload token makes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from authplane.core import clock
from authplane.core.config import config
from authplane.core.jose import JoseError, unverified_header
from oauth.clients.lookup import find_known_client
from oauth.clients.policy import JWT_BEARER
from oauth.errors import OAuthError, Reason
from oauth.federation.workload import (
    IDENTITY_ASSERTION,
    Workload,
    verify_workload,
    workload_issuer,
)
from oauth.grants.workload import refused
from oauth.models import Client

if TYPE_CHECKING:
    from oauth.engine.request import TokenRequest

CREDENTIALS: Final = ("client_secret", "client_assertion", "client_assertion_type")


def identify(
    request: TokenRequest, *, grant_type: str, authenticate: Callable[[], Client]
) -> Client:
    """The client that is calling.

    A workload shows no credential of a client: its platform's token, the assertion of the
    jwt-bearer grant, says which client it is. A `client_id` beside it has to be that one, and so
    does a client that authenticates all the same. The verified workload is left in
    `request.source`.

    Spec: SEP-1933, step 1; RFC 7521 section 4.1 (authentication beside an assertion is optional,
    and verified where it is present).
    Raises: OAuthError.
    """
    if grant_type != JWT_BEARER or not config().features.workload:
        return authenticate()
    assertion = request.parameters.get("assertion", "")
    issuer = workload_issuer(assertion)
    if issuer is None:
        _require_named(request, assertion=assertion)
        return authenticate()
    client = authenticate() if _authenticates(request) else None
    try:
        workload = verify_workload(assertion, issuer=issuer, now=clock.now())
        return _client_of(workload, request=request, authenticated=client)
    except OAuthError as refusal:
        # For the record: a client that had authenticated is no unknown caller.
        request.client = client
        refused(refusal)
        raise


def _client_of(
    workload: Workload, *, request: TokenRequest, authenticated: Client | None
) -> Client:
    """The active client that the rule names, and nobody else's name stands beside it.

    Raises: OAuthError(WORKLOAD_OTHER_CLIENT), OAuthError(CLIENT_INACTIVE).
    """
    claimed = authenticated.client_id if authenticated else request.parameters.get("client_id")
    if claimed and claimed != workload.client_id:
        raise OAuthError(Reason.WORKLOAD_OTHER_CLIENT)
    client = authenticated or find_known_client(workload.client_id)
    if client is None or client.status != Client.Status.ACTIVE:
        raise OAuthError(Reason.CLIENT_INACTIVE)
    request.source = workload
    return client


def _require_named(request: TokenRequest, *, assertion: str) -> None:
    """A request that names no client has nothing but its assertion to be told about.

    An identity assertion comes from a client that has to authenticate, and is told that.

    Raises: OAuthError(ASSERTION_MISSING), OAuthError(ASSERTION_ISSUER).
    """
    if _authenticates(request) or request.parameters.get("client_id"):
        return
    if not assertion:
        raise OAuthError(Reason.ASSERTION_MISSING)
    if not _is_identity_assertion(assertion):
        raise OAuthError(Reason.ASSERTION_ISSUER)


def _is_identity_assertion(assertion: str) -> bool:
    try:
        return unverified_header(assertion).get("typ") == IDENTITY_ASSERTION
    except JoseError:
        return False


def _authenticates(request: TokenRequest) -> bool:
    """The request carries a credential of a client, good or bad; an id alone is none."""
    sent = request.parameters
    return bool(request.authorization_header) or any(name in sent for name in CREDENTIALS)
