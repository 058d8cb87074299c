"""POST /oauth/register, and GET, PUT and DELETE of what was registered."""

import logging

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from authplane.core import budgets, ratelimit
from authplane.core.config import config
from authplane.core.forms import JSON, BadBody, read_json_object, require_media_type
from authplane.core.http import error_response, json_response
from authplane.core.network import client_address, network_key
from authplane.core.ratelimit import Verdict
from authplane.core.routes import LARGE_BODY
from oauth.errors import WIRE, OAuthError, Reason
from oauth.registration import policy
from oauth.registration.responses import client_information
from oauth.registration.schema import BadMetadata
from oauth.registration.services import (
    Registered,
    TooMany,
    managed_client,
    register_client,
    remove_registration,
    replace_registration,
)

log = logging.getLogger(__name__)

CREATED = 201
NO_CONTENT = 204
BAD_REQUEST = 400
BEARER = "bearer "


@csrf_exempt
def register(request: HttpRequest) -> HttpResponse:
    """A client registers itself.

    Spec: RFC 7591 sections 3.1 and 3.2.
    """
    if request.method != "POST":
        return _refused(request, Reason.METHOD_NOT_ALLOWED, headers={"Allow": "POST"})
    try:
        _require_budget(request)
        policy.require_open()
        registered = register_client(_read_document(request))
    except (OAuthError, BadMetadata, TooMany) as refusal:
        return _answer_to(request, refusal)
    return json_response(client_information(registered), status=CREATED)


@csrf_exempt
def registration(request: HttpRequest, client_id: str) -> HttpResponse:
    """A client reads, replaces or removes its registration with the token it was given.

    Spec: RFC 7592 section 2.
    """
    if request.method not in {"GET", "PUT", "DELETE"}:
        return _refused(request, Reason.METHOD_NOT_ALLOWED, headers={"Allow": "GET, PUT, DELETE"})
    try:
        _require_budget(request)
        token = _presented_token(request)
        client = managed_client(client_id, presented_token=token)
        if request.method == "DELETE":
            remove_registration(client_id, presented_token=token)
            return HttpResponse(status=NO_CONTENT, headers={"Cache-Control": "no-store"})
        if request.method == "GET":
            return json_response(client_information(Registered(client, token)))
        replaced = replace_registration(
            client_id, presented_token=token, document=_read_document(request)
        )
    except (OAuthError, BadMetadata, TooMany) as refusal:
        return _answer_to(request, refusal)
    return json_response(client_information(replaced))


def _read_document(request: HttpRequest) -> dict[str, object]:
    """The members sent.

    Raises: BadBody; every kind of broken JSON is told the same way.
    """
    require_media_type(request, JSON)
    try:
        return read_json_object(request, limit=LARGE_BODY)
    except BadBody as bad:
        if bad.status != BAD_REQUEST:
            raise
        raise BadBody(BAD_REQUEST, "invalid JSON body") from None


def _presented_token(request: HttpRequest) -> str:
    """The registration access token; "" when there is none, which belongs to nobody.

    Spec: RFC 7592 section 1.2 (a bearer token in the header); RFC 6750 section 2.1.
    """
    header: str = request.META.get("HTTP_AUTHORIZATION", "")
    return header[len(BEARER) :].strip() if header[: len(BEARER)].lower() == BEARER else ""


def _require_budget(request: HttpRequest) -> None:
    """The address is within its own budget for registrations.

    Spec: RFC 7591 section 5 (registration is rate-limited).
    Raises: TooMany.
    """
    if not config().rate_limit.enabled:
        return
    limits = config().dcr
    verdict = ratelimit.take(
        "register",
        network_key(client_address(request)),
        rate=budgets.value("registrations_per_second", limits.rate_limit),
        burst=budgets.value("registration_burst", limits.rate_limit_burst),
    )
    if not verdict.allowed:
        raise TooMany(verdict)


def _answer_to(request: HttpRequest, refusal: OAuthError | BadMetadata | TooMany) -> HttpResponse:
    if isinstance(refusal, TooMany):
        return _too_many(request, refusal.verdict)
    if isinstance(refusal, BadMetadata):
        return _refused(request, refusal.reason, description=refusal.description)
    headers = {}
    if refusal.reason is Reason.REGISTRATION_TOKEN_INVALID:
        headers["WWW-Authenticate"] = 'Bearer realm="authserver", error="invalid_token"'
    return _refused(request, refusal.reason, headers=headers)


def _refused(
    request: HttpRequest,
    reason: Reason,
    *,
    description: str = "",
    headers: dict[str, str] | None = None,
) -> HttpResponse:
    wire = WIRE[reason]
    log.info("registration refused", extra={"reason": reason})
    return error_response(
        request,
        error=wire.error,
        description=description or wire.description,
        status=wire.status,
        headers=headers,
    )


def _too_many(request: HttpRequest, verdict: Verdict) -> HttpResponse:
    log.info("registration refused", extra={"reason": Reason.RATE_LIMITED})
    return error_response(
        request,
        error="rate_limit_exceeded",
        description="rate limit exceeded",
        status=429,
        headers=verdict.headers(),
    )
