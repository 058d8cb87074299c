"""When proofs and nonces are asked for."""

from __future__ import annotations

from authplane.core import shared
from authplane.core.config import config

PROOF_LIFETIMES = 2
"""A proof is good for one lifetime before and one after the moment it names."""
CLOCKS = 10
"""Seconds more, because the clocks of replicas and of the shared memory differ a little."""


def memory_of_proofs() -> int:
    """Seconds for which a used proof is remembered: as long as it would be accepted again."""
    return PROOF_LIFETIMES * config().dpop.proof_lifetime + CLOCKS


def nonce_is_required() -> bool:
    """A proof without one of our nonces is not enough.

    Always so where the operator wants it; and for two proof lifetimes after the shared memory of
    used proofs was lost, because a proof from before could be used again without being noticed.
    """
    return config().dpop.require_nonce or shared.lost_within(memory_of_proofs())


def nonces_are_given() -> bool:
    """Answers to requests with a proof carry a nonce for the next one."""
    return config().dpop.offer_nonce or nonce_is_required()
