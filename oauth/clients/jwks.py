"""Public keys that others hand us: complete, usable here, and public."""

from collections.abc import Collection
from typing import Any, Final

from authplane.core.jose import JoseError, public_key
from oauth.clients.policy import ASSERTION_ALGORITHMS

MAX_KEYS: Final = 20
MAX_KID: Final = 255
KEPT: Final = ("kty", "crv", "x", "y", "n", "e", "kid", "alg", "use", "key_ops")
PRIVATE_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


def jwks_problem(
    value: object,
    *,
    algorithms: Collection[str] = ASSERTION_ALGORITHMS,
    max_keys: int = MAX_KEYS,
) -> str | None:
    """What is wrong with a key set, in constant words; None when it can verify assertions.

    Keys of other kinds may stand beside a usable one. A private part is refused whichever key it
    belongs to: whoever published it has lost it.

    Spec: RFC 7517 section 5; RFC 7591 section 2 (jwks: public keys only).
    """
    keys = value.get("keys") if isinstance(value, dict) else None
    if not isinstance(keys, list) or not all(isinstance(key, dict) for key in keys):
        return "jwks must be a JSON Web Key Set"
    if not keys or len(keys) > max_keys:
        return f"jwks must hold between 1 and {max_keys} keys"
    if any(PRIVATE_MEMBERS & set(key) for key in keys):
        return "jwks must hold public keys only"
    if not any(_is_usable(key, algorithms=algorithms) for key in keys):
        return "jwks holds no key that is usable here"
    return None


def public_members(
    value: dict[str, Any], *, algorithms: Collection[str] = ASSERTION_ALGORITHMS
) -> dict[str, Any]:
    """The key set as it is stored: usable keys, and of those what verification needs."""
    keys = [key for key in value["keys"] if _is_usable(key, algorithms=algorithms)]
    return {"keys": [{name: key[name] for name in KEPT if name in key} for key in keys]}


def _is_usable(key: dict[str, Any], *, algorithms: Collection[str]) -> bool:
    if not _is_storable(key):
        return False
    for algorithm in algorithms:
        if key.get("alg", algorithm) != algorithm or key.get("use", "sig") != "sig":
            continue
        try:
            public_key(key, algorithm=algorithm)
        except JoseError:
            continue
        return True
    return False


def _is_storable(key: dict[str, Any]) -> bool:
    """The members we keep are short text that the database can store."""
    operations = key.get("key_ops", [])
    if not isinstance(operations, list):
        return False
    texts = [key[name] for name in KEPT if name in key and name != "key_ops"] + operations
    return (
        all(isinstance(text, str) and text.isascii() and text.isprintable() for text in texts)
        and len(key.get("kid", "")) <= MAX_KID
    )
