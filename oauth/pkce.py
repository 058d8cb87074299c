"""Proof key for code exchange, method S256 only. Pure."""

import re
from typing import Final

from authplane.core.hashing import b64url, constant_time_equals, sha256

METHOD: Final = "S256"
_VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}")
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")


def is_verifier(value: str) -> bool:
    """The value has the grammar of a verifier.

    Spec: RFC 7636 section 4.1.
    """
    return _VERIFIER.fullmatch(value) is not None


def is_challenge(value: str) -> bool:
    """The value can be the S256 digest of a verifier: 32 bytes in base64url without padding.

    Spec: RFC 7636 section 4.2.
    """
    return _CHALLENGE.fullmatch(value) is not None


def verifier_matches(verifier: str, challenge: str) -> bool:
    """The challenge was made from this verifier.

    Spec: RFC 7636 section 4.6.
    """
    return constant_time_equals(b64url(sha256(verifier)), challenge)
