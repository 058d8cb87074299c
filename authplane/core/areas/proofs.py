"""Settings of DPoP proofs."""

from __future__ import annotations

from dataclasses import dataclass

from authplane.core.areas.declare import setting
from authplane.core.env import boolean, duration


@dataclass(frozen=True, slots=True)
class DPoP:
    """Proof of possession at the application layer (RFC 9449). Durations are seconds."""

    proof_lifetime: int = setting(
        "dpop.proof_lifetime",
        60,
        "How far the moment a proof names may be from ours, either way.",
        read=duration,
        low=10,
        high=300,
    )
    nonce_ttl: int = setting(
        "dpop.nonce_ttl",
        60,
        "How long a nonce of this server can be used in proofs.",
        read=duration,
        low=5,
        high=3600,
    )
    require_nonce: bool = setting(
        "dpop.require_nonce",
        False,
        "Whether every proof must hold a nonce of this server.",
        read=boolean,
    )
    offer_nonce: bool = setting(
        "dpop.offer_nonce",
        True,
        "Whether answers to requests with a proof carry a nonce although none is required.",
        read=boolean,
    )
