"""A DPoP proof, checked clause by clause; using it up is the caller's last act.

Every check has a private reason of its own. On the wire they all look the same, except that a
missing or stale nonce is told apart, because the client can mend it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from authplane.core import jose
from authplane.core.clock import numeric_date
from authplane.core.config import config
from authplane.core.hashing import b64url, constant_time_equals, sha256
from authplane.core.jose import JoseError
from authplane.core.metrics import counter
from authplane.core.replay import spend_once
from oauth.dpop.address import is_same_address
from oauth.dpop.nonces import is_current, new_nonce
from oauth.dpop.policy import memory_of_proofs, nonce_is_required
from oauth.errors import OAuthError, Reason

ALGORITHMS: Final = ("ES256", "EdDSA", "PS256", "RS256")
"""Signatures accepted in proofs, all asymmetric (RFC 9449 section 4.2, `alg`)."""

_TYPE: Final = "dpop+jwt"
_KEY_MEMBERS: Final = ("kty", "crv", "x", "y", "n", "e")
_MAX_PROOF: Final = 8192
_MAX_ID: Final = 256
_NAMESPACE: Final = "dpop"


@dataclass(frozen=True, slots=True)
class ProvenKey:
    """A key whose holder made this request. `use` is what must not happen twice."""

    jkt: str
    use: str

    def spend(self) -> None:
        """The proof is used up, in every process and replica.

        Spec: RFC 9449 section 11.1.
        Raises: OAuthError(DPOP_REPLAYED).
        """
        if not spend_once(_NAMESPACE, self.use, ttl=memory_of_proofs()):
            _rejected(Reason.DPOP_REPLAYED)
            raise OAuthError(Reason.DPOP_REPLAYED)
        counter("authplane_dpop_proofs_validated_total").inc()


def verify_proof(
    presented_proofs: Sequence[str],
    *,
    method: str,
    url: str,
    now: datetime,
    access_token: str | None = None,
) -> ProvenKey:
    """The caller holds the key, for this method and URL, now, and for this access token if any.

    `presented_proofs` are the values of all DPoP headers, `url` is the URL that was called.
    Nothing is used up.

    Spec: RFC 9449 section 4.3.
    Raises: OAuthError, `invalid_dpop_proof` or `use_dpop_nonce`.
    """
    try:
        return _verified(
            presented_proofs, method=method, url=url, now=now, access_token=access_token
        )
    except OAuthError as refusal:
        _rejected(refusal.reason)
        raise


def _rejected(reason: Reason) -> None:
    counter("authplane_dpop_proofs_rejected_total").labels(reason.value).inc()


def _verified(
    presented_proofs: Sequence[str],
    *,
    method: str,
    url: str,
    now: datetime,
    access_token: str | None,
) -> ProvenKey:
    if len(presented_proofs) != 1:
        # Check 1: there is not more than one DPoP header.
        raise OAuthError(Reason.DPOP_SEVERAL)
    (presented_proof,) = presented_proofs
    header = _header(presented_proof)
    jwk = _public_key(header)
    claims = _signed_claims(presented_proof, jwk=jwk)
    jti = _require_claims(claims)
    _require_this_request(claims, method=method, url=url)
    _require_now(claims, now=now)
    _require_nonce(claims, now=now)
    if access_token is not None:
        _require_token(claims, access_token=access_token)
    jkt = jose.thumbprint(jwk)
    # The id is unique among the proofs of one key; nobody can use up another one's.
    return ProvenKey(jkt, use=f"{jkt}:{jti}")


def _header(presented_proof: str) -> dict[str, Any]:
    """Check 2: the value is a single well-formed JWT. Checks 4 and 5: its type and algorithm."""
    if not 0 < len(presented_proof) <= _MAX_PROOF:
        raise OAuthError(Reason.DPOP_MALFORMED)
    try:
        header = jose.unverified_header(presented_proof)
    except JoseError:
        raise OAuthError(Reason.DPOP_MALFORMED) from None
    typ = header.get("typ")
    if not isinstance(typ, str) or typ.lower().removeprefix("application/") != _TYPE:
        raise OAuthError(Reason.DPOP_TYPE)
    if header.get("alg") not in ALGORITHMS:
        raise OAuthError(Reason.DPOP_ALGORITHM)
    return header


def _public_key(header: dict[str, Any]) -> dict[str, Any]:
    """Check 7: the key in the header is public, and one that the algorithm can be used with."""
    jwk = header.get("jwk")
    if not isinstance(jwk, dict):
        raise OAuthError(Reason.DPOP_KEY_MISSING)
    if any(name in jwk for name in ("d", "p", "q", "dp", "dq", "qi", "oth", "k")):
        raise OAuthError(Reason.DPOP_KEY_PRIVATE)
    try:
        jose.public_key(jwk, algorithm=header["alg"])
        jose.thumbprint(jwk)
    except JoseError:
        raise OAuthError(Reason.DPOP_KEY_UNFIT) from None
    return jwk


def _signed_claims(presented_proof: str, *, jwk: dict[str, Any]) -> dict[str, Any]:
    """Check 6: the signature verifies with the key in the header."""
    # What the key says of its own id and purpose is beside the point: it is the one that counts.
    key = {name: value for name, value in jwk.items() if name in _KEY_MEMBERS}
    try:
        return jose.verify_jws(presented_proof, keys=[key], algorithms=ALGORITHMS, typ=(_TYPE,))
    except JoseError:
        raise OAuthError(Reason.DPOP_SIGNATURE) from None


def _require_claims(claims: dict[str, Any]) -> str:
    """Check 3: all required claims are there. The `jti`, of a length that can be remembered.

    Half of a surrogate pair is no text that could be hashed, and none that anybody could mean.
    """
    jti, issued = claims.get("jti"), claims.get("iat")
    texts = (claims.get("htm"), claims.get("htu"))
    if not isinstance(jti, str) or not 0 < len(jti) <= _MAX_ID or not jti.isprintable():
        raise OAuthError(Reason.DPOP_CLAIM_MISSING)
    if not all(isinstance(text, str) for text in texts) or numeric_date(issued) is None:
        raise OAuthError(Reason.DPOP_CLAIM_MISSING)
    return jti


def _require_this_request(claims: dict[str, Any], *, method: str, url: str) -> None:
    """Check 8: the method. Check 9: the URL, without query and fragment."""
    if claims["htm"] != method:
        raise OAuthError(Reason.DPOP_METHOD)
    if not is_same_address(claims["htu"], url):
        raise OAuthError(Reason.DPOP_ADDRESS)


def _require_now(claims: dict[str, Any], *, now: datetime) -> None:
    """Check 11: it was made within an acceptable time. Clocks may differ either way."""
    moment, lifetime = now.timestamp(), config().dpop.proof_lifetime
    expires = claims.get("exp")
    if abs(moment - claims["iat"]) > lifetime:
        raise OAuthError(Reason.DPOP_TIME)
    if expires is not None and (numeric_date(expires) is None or moment > expires + lifetime):
        raise OAuthError(Reason.DPOP_TIME)


def _require_nonce(claims: dict[str, Any], *, now: datetime) -> None:
    """Check 10: the nonce is the one that the server gave, where the server wants one.

    Spec: RFC 9449 section 8: a nonce to use next comes with the refusal.
    """
    if not nonce_is_required():
        return
    presented = claims.get("nonce")
    if isinstance(presented, str) and is_current(presented, now=now):
        return
    reason = Reason.DPOP_NONCE_MISSING if presented is None else Reason.DPOP_NONCE_STALE
    headers = {
        "DPoP-Nonce": new_nonce(now=now),
        "WWW-Authenticate": 'DPoP error="use_dpop_nonce", '
        'error_description="use the nonce in DPoP-Nonce"',
    }
    raise OAuthError(reason, headers=headers)


def _require_token(claims: dict[str, Any], *, access_token: str) -> None:
    """Check 12: the hash is that of the access token that came along."""
    presented = claims.get("ath")
    expected = b64url(sha256(access_token))
    if not isinstance(presented, str) or not constant_time_equals(presented, expected):
        raise OAuthError(Reason.DPOP_TOKEN_HASH)
