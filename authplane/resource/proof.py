"""Check a DPoP proof that came with an access token, clause by clause. Pure.

The last check, that it was not used before, is the caller's, after everything else has passed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from .addresses import is_same_address
from .config import Protection
from .errors import invalid_proof, nonce_needed
from .nonces import LIFETIME, Nonces
from .request import Incoming
from .signatures import (
    BadSignature,
    claims_under,
    digest,
    header_of,
    is_time,
    public_key,
    thumbprint,
    type_of,
)

_MAX_PROOF: Final = 8192
_MAX_ID: Final = 256


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof that holds, if it was not used before.

    `key` names this use, `seconds` is how long it has to be remembered. `nonce` is what the answer
    should carry for the next proof, or "".
    """

    jkt: str
    key: str
    seconds: int
    nonce: str = ""


def checked_proof(incoming: Incoming, *, access_token: str, protection: Protection) -> Proof:
    """The proof shows that the caller holds its key, now, for this request and this token.

    Spec: RFC 9449 section 4.3, checks 1 to 12 without the replay memory; section 7.1 (`ath`).
    Raises: Refused.
    """
    if len(incoming.proofs) != 1:
        raise invalid_proof("not exactly one proof (check 1)")
    (presented_proof,) = incoming.proofs
    if len(presented_proof) > _MAX_PROOF:
        raise invalid_proof("too long")
    claims, jkt = _signed_claims(presented_proof, protection=protection)
    _require_this_request(claims, incoming=incoming)
    _require_now(claims, protection=protection)
    # The nonce comes before the token's hash: a client that is told to repeat its request with
    # one repeats it with the same token.
    nonce = _next_nonce(claims, protection=protection)
    if claims.get("ath") != digest(access_token.encode()):
        raise invalid_proof("another access token (check 12)")
    remembered = float(claims["iat"]) + protection.proof_max_age + protection.skew
    seconds = int(remembered - protection.clock()) + 1
    return Proof(jkt, digest(f"{jkt}\0{claims['jti']}".encode()), seconds, nonce)


def _signed_claims(presented_proof: str, *, protection: Protection) -> tuple[dict[str, Any], str]:
    """The claims under the proof's own key, and that key's thumbprint (checks 2 and 4 to 7)."""
    try:
        header = header_of(presented_proof)
        jwk = public_key(header.get("jwk"))
    except BadSignature as defect:
        raise invalid_proof(str(defect)) from None
    if type_of(header) != "dpop+jwt":
        raise invalid_proof("typ is not dpop+jwt (check 4)")
    if header.get("alg") not in protection.algorithms:
        raise invalid_proof("alg is not acceptable (check 5)")
    try:
        claims = claims_under(presented_proof, jwk=jwk, algorithm=header["alg"])
    except BadSignature as defect:
        raise invalid_proof(f"{defect} (check 6)") from None
    return claims, thumbprint(jwk)


def _require_this_request(claims: dict[str, Any], *, incoming: Incoming) -> None:
    jti, htu = claims.get("jti"), claims.get("htu")
    # Printable: a lone surrogate, which JSON can spell, cannot be hashed.
    if not isinstance(jti, str) or not 0 < len(jti) <= _MAX_ID or not jti.isprintable():
        raise invalid_proof("jti is missing (check 3)")
    if claims.get("htm") != incoming.method:
        raise invalid_proof("another method (check 8)")
    if not isinstance(htu, str) or not is_same_address(htu, incoming.url):
        raise invalid_proof("another address (check 9)")


def _require_now(claims: dict[str, Any], *, protection: Protection) -> None:
    now, skew = protection.clock(), protection.skew
    issued, expires, begins = claims.get("iat"), claims.get("exp"), claims.get("nbf")
    if not is_time(issued):
        raise invalid_proof("iat is missing (check 3)")
    if not -skew <= now - issued <= protection.proof_max_age + skew:
        raise invalid_proof("not made now (check 11)")
    if expires is not None and (not is_time(expires) or now >= expires + skew):
        raise invalid_proof("expired")
    if begins is not None and (not is_time(begins) or now < begins - skew):
        raise invalid_proof("not valid yet")


def _next_nonce(claims: dict[str, Any], *, protection: Protection) -> str:
    """A new nonce when the presented one has lived half its life, else "".

    Spec: RFC 9449 section 4.3, check 10; section 9. Raises: Refused with a nonce.
    """
    if not protection.nonce_secret:
        return ""
    nonces, now = Nonces(protection.nonce_secret), protection.clock()
    age = nonces.age(claims.get("nonce"), now=now)
    if age is None:
        raise nonce_needed(nonces.new(now))
    return nonces.new(now) if age > LIFETIME / 2 else ""
