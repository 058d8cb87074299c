"""Who is calling: exactly one authentication method, and the registered one.

Every failure of a credential looks the same from outside. A bad Basic header is never followed by
a look at the body: a log of failed headers would say nothing about success.
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import unquote_to_bytes

from oauth.clients import assertions, secrets
from oauth.clients.certificate_subjects import require_certificate
from oauth.clients.certificates import Certificate
from oauth.clients.lookup import drop, find_known_client
from oauth.clients.policy import CERTIFICATE_METHOD
from oauth.errors import OAuthError, Reason
from oauth.models import Client

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True, slots=True)
class Presented:
    """What the request offers as proof of its client. Nothing of it has been checked."""

    method: str
    unverified_client_id: str
    secret: str = ""
    assertion: str = ""


def _nothing_further() -> None:
    """Nothing else has to hold."""


def authenticate_client(
    parameters: Mapping[str, str],
    *,
    authorization: str,
    endpoint: str,
    now: datetime,
    certificate: Certificate | None = None,
    find_client: Callable[[str], Client | None] = find_known_client,
    before_spending: Callable[[], None] = _nothing_further,
) -> Client:
    """The active client that proved itself by the one method it is registered with.

    `endpoint` is the absolute URL that was called, for the audience of assertions; `certificate`
    the one the caller showed in TLS. `find_client` may ask the network where an authorization
    begins, and never on the token path. `before_spending` checks what the caller wants to hold
    before an assertion is used up, and raises when it does not.

    Spec: RFC 6749 sections 2.3 and 3.2.1; RFC 7523 section 2.2; RFC 8705 section 2.
    Raises: OAuthError, `invalid_client` except for two methods at once (`invalid_request`).
    """
    presented = read_presented(parameters, authorization=authorization)
    client = find_client(presented.unverified_client_id)
    if client is None:
        # The same work as for a known client, so that the time does not tell.
        secrets.verify_secret(presented.secret, client=_NOBODY, now=now)
        raise OAuthError(Reason.CLIENT_UNKNOWN)
    method = client.token_endpoint_auth_method
    if presented.method == "none" and method == CERTIFICATE_METHOD:
        # A certificate accompanies a request that carries only the client's id; every other
        # client may show one, too, to have its tokens bound to it (RFC 8705 section 2).
        require_certificate(certificate, client=client)
    elif presented.method != method:
        raise OAuthError(Reason.CLIENT_METHOD_WRONG)
    if presented.method in {"client_secret_basic", "client_secret_post"}:
        _require_secret(presented.secret, client=client, now=now)
    _require_active(client)
    if presented.method == "private_key_jwt":
        # Last, because verifying an assertion spends it.
        before_spending()
        assertions.verify_client_assertion(
            presented.assertion, client=client, endpoint=endpoint, now=int(now.timestamp())
        )
    return client


def read_presented(parameters: Mapping[str, str], *, authorization: str) -> Presented:
    """The single method the request uses.

    A `client_id` in the body is no method of its own when it repeats the authenticated id.

    Spec: RFC 6749 section 2.3: MUST NOT use more than one method per request.
    """
    body_id = parameters.get("client_id", "")
    found: list[Presented] = []
    if authorization:
        found.append(_read_basic(authorization))
    if "client_secret" in parameters:
        found.append(Presented("client_secret_post", body_id, secret=parameters["client_secret"]))
    if "client_assertion" in parameters or "client_assertion_type" in parameters:
        found.append(_read_assertion(parameters))
    if len(found) > 1:
        raise OAuthError(Reason.CLIENT_METHODS_MIXED)
    if not found:
        if not body_id:
            raise OAuthError(Reason.CLIENT_ID_MISSING)
        return Presented("none", body_id)
    if not found[0].unverified_client_id:
        raise OAuthError(Reason.CLIENT_ID_MISSING)
    if body_id and body_id != found[0].unverified_client_id:
        raise OAuthError(Reason.CLIENT_METHODS_MIXED)
    return found[0]


def presents_nothing(parameters: Mapping[str, str], *, authorization: str) -> bool:
    """The request names no client in any way."""
    names = ("client_id", "client_secret", "client_assertion", "client_assertion_type")
    return not authorization and not any(name in parameters for name in names)


def _read_basic(authorization: str) -> Presented:
    """The two halves, percent-decoded each.

    Spec: RFC 6749 section 2.3.1; RFC 9110 section 11.1: the scheme is case-insensitive.
    """
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise OAuthError(Reason.CLIENT_METHOD_WRONG)
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True).decode("utf-8")
        name, colon, secret = decoded.partition(":")
        if not colon:
            raise OAuthError(Reason.CLIENT_BASIC_MALFORMED)
        client_id, presented_secret = _form_decoded(name), _form_decoded(secret)
    except (binascii.Error, ValueError):
        raise OAuthError(Reason.CLIENT_BASIC_MALFORMED) from None
    if not client_id or not presented_secret:
        raise OAuthError(Reason.CLIENT_BASIC_MALFORMED)
    return Presented("client_secret_basic", client_id, secret=presented_secret)


def _form_decoded(value: str) -> str:
    return unquote_to_bytes(value.replace("+", " ")).decode("utf-8")


def _read_assertion(parameters: Mapping[str, str]) -> Presented:
    """The assertion and the client it claims to speak for.

    Spec: RFC 7521 section 4.2; RFC 7523 section 3, check 2: `sub` is the client_id.
    """
    assertion = parameters.get("client_assertion", "")
    if parameters.get("client_assertion_type") != ASSERTION_TYPE or not assertion:
        raise OAuthError(Reason.CLIENT_ASSERTION_INVALID)
    return Presented(
        "private_key_jwt", assertions.unverified_subject(assertion), assertion=assertion
    )


def _require_secret(presented_secret: str, *, client: Client, now: datetime) -> None:
    if not secrets.verify_secret(presented_secret, client=client, now=now):
        raise OAuthError(Reason.CLIENT_SECRET_WRONG)
    if secrets.needs_rehash(presented_secret, client=client):
        Client.objects.filter(pk=client.pk, client_secret=client.client_secret).update(
            client_secret=secrets.digest_secret(presented_secret)
        )
        drop(client.client_id, issuer=client.issuer)


def _require_active(client: Client) -> None:
    if client.status == Client.Status.PENDING:
        raise OAuthError(Reason.CLIENT_PENDING)
    if client.status != Client.Status.ACTIVE:
        raise OAuthError(Reason.CLIENT_INACTIVE)


_NOBODY: Final = Client(client_id="", client_secret="none")  # noqa: S106 - matches nothing
