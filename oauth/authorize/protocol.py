"""Check what an authorization request asks of the protocol; who asks and for what comes elsewhere.

Pure: parameters in, a typed wish or a reason out.
"""

import re
from dataclasses import dataclass
from typing import Final

from oauth.authorize.parameters import Parameters
from oauth.errors import OAuthError, Reason
from oauth.resources.scopes import parse_scope

# What SHA-256 yields in base64url without padding (RFC 7636 section 4.2, RFC 7638 section 3).
_SHA256_B64URL: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_MAX_AGE: Final = re.compile(r"[0-9]{1,9}")
_PROMPTS: Final = frozenset({"none", "login", "consent", "select_account"})
ASK_WHO: Final = frozenset({"login", "select_account"})
"""The prompts that want the person to prove anew who is there."""

_MAX_HINT: Final = 254
_MAX_LEVELS: Final = 20


@dataclass(frozen=True, slots=True)
class Wish:
    """What the request asks for, each part well-formed by itself.

    `max_age` is in seconds. `requested_scopes` is empty when the request names none;
    `requested_levels` are its `acr_values`, the preferred first.
    """

    code_challenge: str
    prompts: frozenset[str]
    max_age: int | None
    login_hint: str
    dpop_jkt: str
    requested_resources: tuple[str, ...]
    requested_scopes: tuple[str, ...]
    requested_levels: tuple[str, ...] = ()


def read_wish(parameters: Parameters) -> Wish:
    """The request is well-formed and asks for something this server does.

    Raises: OAuthError with the reason that the client is told.
    """
    require_readable(parameters)
    require_no_reference(parameters)
    require_code_response(parameters)
    return Wish(
        code_challenge=s256_challenge(parameters),
        prompts=prompts(parameters),
        max_age=max_age(parameters),
        login_hint=parameters.get("login_hint")[:_MAX_HINT],
        dpop_jkt=dpop_key(parameters),
        requested_resources=(*parameters.all("resource"), *parameters.all("audience")),
        requested_scopes=parse_scope(parameters.get("scope").strip(" ")),
        requested_levels=sign_in_levels(parameters),
    )


def require_readable(parameters: Parameters) -> None:
    """No parameter is repeated and every value is text.

    A repeated parameter is an attack on whichever party reads the other one.

    Spec: RFC 6749 section 3.1 (MUST NOT be included more than once).
    """
    if parameters.repeated:
        raise OAuthError(Reason.PARAMETER_DUPLICATED)
    if parameters.malformed:
        raise OAuthError(Reason.PARAMETER_MALFORMED)


def require_no_reference(parameters: Parameters) -> None:
    """The request does not stand somewhere else, at an address of the client's choice.

    Fetching it would let every visitor send us to an address, and ignoring it would answer a
    request that was never made.

    Spec: OpenID Connect Core 1.0 section 3.1.2.6; RFC 9101 sections 7 and 10.4.
    """
    if parameters.get("request_uri"):
        raise OAuthError(Reason.REQUEST_URI_UNSUPPORTED)


def require_code_response(parameters: Parameters) -> None:
    """The request asks for a code in the query, the only answer there is.

    Spec: RFC 6749 section 4.1.1 (`response_type` is REQUIRED) and section 4.1.2.1.
    """
    response_type = parameters.get("response_type")
    if not response_type:
        raise OAuthError(Reason.RESPONSE_TYPE_MISSING)
    if response_type != "code":
        raise OAuthError(Reason.RESPONSE_TYPE_UNSUPPORTED)
    # A client that waits for a fragment or a form post would lose the code to its server's log.
    if parameters.get("response_mode") not in {"", "query"}:
        raise OAuthError(Reason.PARAMETER_MALFORMED)


def s256_challenge(parameters: Parameters) -> str:
    """The PKCE challenge; it is required, and so is S256.

    A missing method means `plain` by RFC 7636 section 4.3, and plain protects nothing once the
    request has leaked, so it is refused like any other method.

    Spec: RFC 7636 section 4.4.1 (MUST return invalid_request); RFC 9700 section 2.1.1.
    """
    challenge = parameters.get("code_challenge")
    if not challenge:
        raise OAuthError(Reason.CHALLENGE_MISSING)
    if parameters.get("code_challenge_method") != "S256":
        raise OAuthError(Reason.CHALLENGE_METHOD)
    if not _SHA256_B64URL.fullmatch(challenge):
        raise OAuthError(Reason.CHALLENGE_MISSING)
    return challenge


def prompts(parameters: Parameters) -> frozenset[str]:
    """What the user has to be asked again, or `none`.

    Spec: OpenID Connect Core 1.0 section 3.1.2.1 (`none` stands alone).
    """
    asked = frozenset(parameters.get("prompt").split())
    if not asked <= _PROMPTS or ("none" in asked and len(asked) > 1):
        raise OAuthError(Reason.PARAMETER_MALFORMED)
    return asked


def max_age(parameters: Parameters) -> int | None:
    """How many seconds ago the user may have signed in at most.

    Spec: OpenID Connect Core 1.0 section 3.1.2.1.
    """
    text = parameters.get("max_age")
    if not text:
        return None
    if not _MAX_AGE.fullmatch(text):
        raise OAuthError(Reason.PARAMETER_MALFORMED)
    return int(text)


def sign_in_levels(parameters: Parameters) -> tuple[str, ...]:
    """The levels of sign-in of which one has to be reached, in order of preference.

    Spec: OpenID Connect Core 1.0 section 3.1.2.1 (`acr_values`, separated by spaces).
    """
    levels = tuple(dict.fromkeys(parameters.get("acr_values").split()))
    if len(levels) > _MAX_LEVELS:
        raise OAuthError(Reason.PARAMETER_MALFORMED)
    return levels


def dpop_key(parameters: Parameters) -> str:
    """The thumbprint of the key that the code will be bound to, or "".

    Spec: RFC 9449 section 10.
    """
    thumbprint = parameters.get("dpop_jkt")
    if thumbprint and not _SHA256_B64URL.fullmatch(thumbprint):
        raise OAuthError(Reason.PARAMETER_MALFORMED)
    return thumbprint
