"""Client metadata about keys: with which the client signs, and where they are found."""

from collections.abc import Callable, Mapping
from typing import Any

from oauth.clients.jwks import jwks_problem, public_members
from oauth.clients.policy import ASSERTION_ALGORITHMS
from oauth.registration.values import is_fetchable

Complain = Callable[[str], None]


def read_signing_alg(document: Mapping[str, Any], complain: Complain) -> str:
    """The one algorithm of the client's assertions; "" when it did not say."""
    value = document.get("token_endpoint_auth_signing_alg")
    if value is None or value == "":
        return ""
    if value not in ASSERTION_ALGORITHMS:
        complain("token_endpoint_auth_signing_alg is not supported")
        return ""
    return str(value)


def read_jwks(document: Mapping[str, Any], complain: Complain) -> dict[str, Any] | None:
    """The usable keys of the set; None when there is none."""
    value = document.get("jwks")
    if value is None:
        return None
    problem = jwks_problem(value)
    if problem is not None:
        complain(problem)
        return None
    return public_members(value)


def read_jwks_uri(document: Mapping[str, Any], complain: Complain) -> str:
    """Where the keys are published; "" when nowhere."""
    value = document.get("jwks_uri")
    if value is None or value == "":
        return ""
    if not is_fetchable(value):
        complain("jwks_uri must be an https URL")
        return ""
    return str(value)


def names_keys(document: Mapping[str, Any]) -> bool:
    """The document says with which keys the client signs."""
    return bool(document.get("jwks") or document.get("jwks_uri"))
