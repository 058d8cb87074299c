"""Which registered client a workload is: the first rule that its token meets. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

from oauth.federation.patterns import matches

MAX_RULES: Final = 100
MAX_CLAIMS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule of a workload issuer.

    `subject` is a pattern. `claims` maps the name of a claim to the value it must have, or to a
    list of values of which it must have one. `single_use` demands a token with a `jti` that was
    not presented before.
    """

    subject: str
    client_id: str
    claims: Mapping[str, Any] = field(default_factory=dict)
    single_use: bool = False

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        """From its stored form."""
        return cls(
            subject=str(stored.get("subject", "")),
            client_id=str(stored.get("client_id", "")),
            claims=stored.get("claims") or {},
            single_use=bool(stored.get("single_use")),
        )


def first_match(rules: Iterable[Rule], *, subject: str, claims: Mapping[str, Any]) -> Rule | None:
    """The first rule whose pattern and claims the token meets; None when there is none."""
    return next(
        (rule for rule in rules if not mismatch(rule, subject=subject, claims=claims)), None
    )


def mismatch(rule: Rule, *, subject: str, claims: Mapping[str, Any]) -> str:
    """What keeps the token from meeting the rule: `subject`, or a claim's name; "" when it does."""
    if not matches(rule.subject, subject):
        return "subject"
    return next(
        (name for name, wanted in rule.claims.items() if not _has(claims, name, wanted)), ""
    )


def claim_of(claims: Mapping[str, Any], name: str) -> Any:
    """The claim of this name, or the one that a path of names leads to; None when there is none.

    Kubernetes puts its claims below one that is itself called `kubernetes.io`, hence the slash:
    `kubernetes.io/serviceaccount/name`.
    """
    if name in claims:
        return claims[name]
    found: Any = claims
    for step in name.split("/"):
        if not isinstance(found, Mapping) or step not in found:
            return None
        found = found[step]
    return found


def _has(claims: Mapping[str, Any], name: str, wanted: Any) -> bool:
    """The claim is, or as a list holds, one of the wanted values.

    Compared with their type: `true` is neither 1 nor "true".
    """
    presented = claim_of(claims, name)
    held: Sequence[Any] = presented if isinstance(presented, list) else [presented]
    accepted: Sequence[Any] = wanted if isinstance(wanted, list) else [wanted]
    return any(
        type(value) is type(choice) and value == choice for value in held for choice in accepted
    )
