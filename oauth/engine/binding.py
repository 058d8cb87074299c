"""Stage 6, prove: which key or certificate the tokens of this request will be bound to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from authplane.core import clock
from authplane.core.config import config
from oauth.dpop.proof import verify_proof
from oauth.errors import OAuthError, Reason

if TYPE_CHECKING:
    from oauth.engine.request import TokenRequest


def _nothing_to_spend() -> None:
    """A request without a proof uses nothing up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """What the caller has proved to hold, completely checked.

    `jkt` is the SHA-256 thumbprint of the DPoP key, `certificate` that of the TLS certificate;
    empty when none was shown. `spend` uses the proof up and raises OAuthError when it was used
    before: the last thing that happens before tokens are recorded.
    """

    jkt: str = ""
    certificate: str = ""
    spend: Callable[[], None] = _nothing_to_spend


UNBOUND = Binding()


def prove_possession(request: TokenRequest) -> Binding:
    """The binding of the tokens that this request may yield; nothing has been used up yet.

    Raises: OAuthError for a proof that fails, or that is required and missing.
    """
    certificate = bound_certificate(request)
    if not config().features.dpop:
        return Binding(certificate=certificate)
    if not request.dpop_proofs:
        if request.client.dpop_bound_access_tokens:
            # RFC 9449 section 5.2: such a client never gets a token that others could use.
            raise OAuthError(Reason.DPOP_REQUIRED)
        return Binding(certificate=certificate)
    key = verify_proof(
        request.dpop_proofs, method=request.http_method, url=request.endpoint, now=clock.now()
    )
    return Binding(jkt=key.jkt, certificate=certificate, spend=key.spend)


def check_proof(request: TokenRequest) -> None:
    """A proof that came along is good so far, whoever sent it.

    Asked before a client's assertion is used up, so that a demand for a nonce, after which the
    same request may come again, spends nothing.

    Raises: OAuthError.
    """
    if request.dpop_proofs and config().features.dpop:
        verify_proof(
            request.dpop_proofs, method=request.http_method, url=request.endpoint, now=clock.now()
        )


def require_bound_key(binding: Binding, *, jkt: str) -> None:
    """The request proves the key that what it presents is bound to, if it is bound to one.

    Spec: RFC 9449 section 10 (codes) and section 5 (refresh tokens of public clients).
    Raises: OAuthError(DPOP_KEY_MISMATCH).
    """
    if jkt and binding.jkt != jkt:
        raise OAuthError(Reason.DPOP_KEY_MISMATCH)


def bound_certificate(request: TokenRequest) -> str:
    """The thumbprint of the certificate that the client's tokens are bound to; "" without one.

    Tokens are bound for clients that registered so. Another client may show a certificate on
    connections that have nothing to do with its tokens, and would not know what it got.

    Spec: RFC 8705 sections 3 and 3.4.
    Raises: OAuthError(CERTIFICATE_REQUIRED) when there is none: a token that is not bound would
    be worth more than the client asked for.
    """
    if not request.client.tls_client_certificate_bound_access_tokens:
        return ""
    if request.certificate is None:
        raise OAuthError(Reason.CERTIFICATE_REQUIRED)
    return request.certificate.thumbprint
