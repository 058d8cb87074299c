"""Whether whoever presents an access token to this server holds what it is bound to."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest

from authplane.core import clock
from authplane.core.config import config
from oauth.clients.certificates import is_held, presented_certificate
from oauth.dpop.proof import ALGORITHMS, ProvenKey, verify_proof
from oauth.engine.core import called_url, presented_proofs
from oauth.errors import OAuthError, Reason

_BEARER: Final = 'Bearer realm="authserver"'
_DPOP: Final = f'DPoP algs="{" ".join(ALGORITHMS)}"'
_UNAUTHORIZED: Final = 401


def prove_held(
    request: HttpRequest, *, scheme: str, presented_token: str, claims: dict[str, Any]
) -> ProvenKey | None:
    """The key that the request proves; None for a token that is bound to none.

    `scheme` is that of the Authorization header in lower case. A bound token is no bearer token
    and a bearer token no bound one, so that neither can stand in for the other.

    Spec: RFC 9449 sections 7.1 and 7.2; RFC 8705 section 3.
    Raises: OAuthError with status 401.
    """
    bound = claims.get("cnf", {})
    jkt = bound.get("jkt", "")
    if (scheme == "dpop") != bool(jkt) or not is_held(
        bound, certificate=presented_certificate(request.META)
    ):
        raise invalid_token()
    if not jkt:
        return None
    try:
        key = verify_proof(
            presented_proofs(request),
            method=request.method or "",
            url=called_url(request.path_info),
            now=clock.now(),
            access_token=presented_token,
        )
    except OAuthError as refusal:
        raise _challenged(refusal) from None
    if key.jkt != jkt:
        # RFC 9449 section 4.3, check 12: the key is the one the token is bound to.
        raise _challenged(OAuthError(Reason.DPOP_KEY_MISMATCH))
    return key


def spend(key: ProvenKey) -> None:
    """The proof is used up.

    Raises: OAuthError with status 401 when it was before.
    """
    try:
        key.spend()
    except OAuthError as refusal:
        raise _challenged(refusal) from None


def challenges(error: str = "") -> str:
    """The challenges of both schemes, the DPoP one second where there is one.

    Spec: RFC 9449 section 7.1 (`algs`); RFC 6750 section 3.
    """
    suffix = f', error="{error}"' if error else ""
    bearer = f"{_BEARER}{suffix}"
    return f"{bearer}, {_DPOP}{suffix}" if config().features.dpop else bearer


def invalid_token() -> OAuthError:
    """The token does not count here."""
    challenge = challenges("invalid_token")
    return OAuthError(Reason.TOKEN_INVALID, headers={"WWW-Authenticate": challenge})


def insufficient_scope() -> OAuthError:
    """A machine's token is about no user."""
    challenge = f'{_BEARER}, error="insufficient_scope", scope="openid"'
    return OAuthError(Reason.TOKEN_SCOPE_LACKING, headers={"WWW-Authenticate": challenge})


def _challenged(refusal: OAuthError) -> OAuthError:
    """A refused proof as protected resources tell it: 401 with the scheme's challenge."""
    code = "use_dpop_nonce" if refusal.error == "use_dpop_nonce" else "invalid_dpop_proof"
    headers = refusal.response_headers | {"WWW-Authenticate": f'{_DPOP}, error="{code}"'}
    challenged = OAuthError(refusal.reason, headers=headers)
    challenged.error, challenged.status_code = code, _UNAUTHORIZED
    return challenged
