"""What a client signed: verified by its keys, registered or published."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from authplane.core.jose import JoseError, unverified_header, verify_jws
from oauth.clients.keys import keys_after_search, known_keys
from oauth.clients.policy import ASSERTION_ALGORITHMS
from oauth.models import Client


def signed_claims(
    token: str, *, client: Client, registered_alg: str, typ: Collection[str], now: int
) -> dict[str, Any]:
    """The claims of `token`, signed by one of the client's keys. Nothing else of it is checked.

    `registered_alg` is the one algorithm the client said it uses, or "" for any that is accepted.
    A signature that no known key made may come from a key that is newer than what we have; only
    then, and only if the header names a key we do not know, the client's key set is fetched.

    Raises: JoseError, OAuthError(TEMPORARILY_UNAVAILABLE) when the keys cannot be had.
    """
    header = unverified_header(token)
    algorithms = (registered_alg,) if registered_alg else ASSERTION_ALGORITHMS
    if registered_alg and registered_alg not in ASSERTION_ALGORITHMS:
        raise JoseError("algorithm is not accepted")
    if header.get("alg") not in algorithms:
        raise JoseError("algorithm is not accepted")
    kid = header.get("kid")
    moment = datetime.fromtimestamp(now, tz=UTC)
    keys = known_keys(client, now=moment)
    if isinstance(kid, str) and all(key.get("kid") != kid for key in keys):
        keys = keys_after_search(client, now=moment) or keys
    return verify_jws(token, keys=keys, algorithms=algorithms, typ=typ)
