"""Ask a token endpoint for tokens, and say with certainty what is certain about the outcome."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Protocol
from urllib.parse import quote_plus

from authplane.core import clock, fetch
from authplane.core.fetch import Fetched, FetchFailed, FetchRefused, Reach
from broker.upstream.answers import BadAnswer, error_code, members_of, read_answer
from broker.upstream.base import (
    UNEXPLAINED,
    NotSent,
    TokenAnswer,
    UpstreamRefused,
    UpstreamUnclear,
)
from broker.upstream.client_assertion import METHOD, client_assertion

MAX_BODY: Final = 1024 * 1024
EXCHANGE_SECONDS: Final = 5.0
REFRESH_SECONDS: Final = 10.0
MAX_RETRY_AFTER: Final = 3600
LEAST_RETRY_AFTER: Final = 5
MAX_DIGITS: Final = 8


class TokenEndpoint(Protocol):
    """What has to be known about a registration: `OAuthSettings` fits, and so does `Endpoint`.

    ``client_id`` is empty where the grant itself says who asks.
    """

    @property
    def client_id(self) -> str:
        """Ours at the service."""

    @property
    def token_url(self) -> str:
        """Where tokens are asked for."""

    @property
    def token_endpoint_auth_method(self) -> str:
        """client_secret_post, client_secret_basic, private_key_jwt or none."""

    @property
    def token_request_format(self) -> str:
        """Form or json."""

    @property
    def response_format(self) -> str:
        """Standard, form or slack."""

    @property
    def granted_scope_separator(self) -> str:
        """What granted scopes are told with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A token endpoint that was discovered, with a client there."""

    client_id: str
    token_url: str
    token_endpoint_auth_method: str = "none"  # noqa: S105 - a method
    token_request_format: str = "form"  # noqa: S105 - a format
    response_format: str = "standard"
    granted_scope_separator: str = " "


def ask(
    settings: TokenEndpoint,
    secret: str,
    form: Mapping[str, str],
    reach: Reach,
    *,
    timeout: float = EXCHANGE_SECONDS,
) -> TokenAnswer:
    """The tokens that the endpoint answers the grant in ``form`` with.

    ``timeout`` is seconds for everything.

    Raises: NotSent when the service has certainly not acted; UpstreamRefused when it said no;
    UpstreamUnclear otherwise. None of them holds anything the service sent.
    """
    headers, parameters = authenticated(settings, secret, form, url=settings.token_url)
    fetched = deliver(
        settings.token_url,
        parameters,
        headers=headers,
        reach=reach,
        timeout=timeout,
        as_json=settings.token_request_format == "json",  # noqa: S105 - a format
    )
    members = members_of(fetched.body, fetched.json, response_format=settings.response_format)
    _require_success(fetched, error_code(members))
    try:
        return read_answer(
            members,
            response_format=settings.response_format,
            separator=settings.granted_scope_separator,
        )
    except BadAnswer as bad:
        # It may have replaced the refresh token in an answer that nobody can read.
        raise UpstreamUnclear(str(bad)) from None


def authenticated(
    settings: TokenEndpoint, secret: str, form: Mapping[str, str], *, url: str
) -> tuple[dict[str, str], dict[str, str]]:
    """Headers and parameters of a request to ``url`` in which our client says who it is.

    Spec: RFC 6749 section 2.3.1: both halves are form-encoded before they are joined.
    Raises: BadKey, which adapters have made sure of.
    """
    if settings.token_endpoint_auth_method == "client_secret_basic":  # noqa: S105 - a method
        pair = f"{quote_plus(settings.client_id)}:{quote_plus(secret)}"
        basic = base64.b64encode(pair.encode()).decode()
        return {"Authorization": f"Basic {basic}"}, dict(form)
    if settings.token_endpoint_auth_method == METHOD:
        proof = client_assertion(
            secret, client_id=settings.client_id, audience=url, now=clock.epoch()
        )
        return {}, dict(form) | proof
    parameters = dict(form)
    if settings.client_id:
        parameters["client_id"] = settings.client_id
    if settings.token_endpoint_auth_method == "client_secret_post":  # noqa: S105 - a method
        parameters["client_secret"] = secret
    return {}, parameters


def deliver(
    url: str,
    parameters: Mapping[str, str],
    *,
    headers: Mapping[str, str],
    reach: Reach,
    timeout: float,
    as_json: bool = False,
) -> Fetched:
    """The answer of whatever status. Raises: NotSent, UpstreamUnclear."""
    body = dict(parameters)
    try:
        return fetch.send(
            "POST",
            url,
            headers=headers,
            form=None if as_json else body,
            document=body if as_json else None,
            max_bytes=MAX_BODY,
            timeout=timeout,
            reach=reach,
        )
    except FetchRefused as refused:
        raise NotSent(refused.reason) from None
    except FetchFailed as failed:
        kind = UpstreamUnclear if failed.sent else NotSent
        raise kind(failed.reason) from None


def is_success(status: int) -> bool:
    """Whether the status is of the 2xx kind."""
    return HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES


def _require_success(fetched: Fetched, code: str | None) -> None:
    """Nothing when the answer is a success; what it is otherwise, raised."""
    status = fetched.status
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
        raise UpstreamUnclear(f"status {status}", retry_after=_retry_after(fetched))
    if status == HTTPStatus.TOO_MANY_REQUESTS or code in {"temporarily_unavailable", "slow_down"}:
        raise NotSent("asked to come later", retry_after=_retry_after(fetched))
    if code == "server_error":
        raise UpstreamUnclear("server_error")
    if code is not None:
        raise UpstreamRefused(code)
    if not is_success(status):
        # A redirect is not followed: the secret is for the URL that was configured.
        raise UpstreamRefused("redirect" if status < HTTPStatus.BAD_REQUEST else _unsaid(status))


def _unsaid(status: int) -> str:
    """What a refusal is called that names no error.

    Spec: RFC 6749 section 5.2 (400 for all that is wrong but the client's credentials).
    """
    return UNEXPLAINED if status == HTTPStatus.BAD_REQUEST else "other"


def _retry_after(fetched: Fetched) -> int:
    """Seconds, within reason; dates are not read."""
    said = fetched.headers.get("retry-after", "")
    seconds = int(said) if said.isascii() and said.isdigit() and len(said) < MAX_DIGITS else 0
    return min(max(seconds, LEAST_RETRY_AFTER), MAX_RETRY_AFTER)
