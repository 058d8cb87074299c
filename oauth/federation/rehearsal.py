"""Which rule of a workload issuer a token would meet, and what keeps it from the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from oauth.clients.policy import JWT_BEARER
from oauth.federation.rules import Rule, mismatch
from oauth.models import Client, WorkloadIssuer


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """What would happen to a verified token with these claims.

    `rule` is the index of the first rule it meets; None when there is none. `problems` says what
    would still keep the workload from a token. `mismatches` has, for each rule, `subject` or the
    name of the claim that does not fit; "" where everything fits.
    """

    rule: int | None
    client_id: str
    single_use: bool
    problems: list[str]
    mismatches: list[str]


def rehearse(row: WorkloadIssuer, *, subject: str, claims: Mapping[str, Any]) -> Rehearsal:
    """What the rules of the issuer, as they are stored now, make of a subject. Nothing is issued.

    Neither signature, audience nor times are looked at: no token is presented.
    """
    rules = [Rule.of(stored) for stored in row.rules]
    mismatches = [mismatch(rule, subject=subject, claims=claims) for rule in rules]
    index = next((number for number, wrong in enumerate(mismatches) if not wrong), None)
    problems = [] if row.enabled else ["the issuer is switched off"]
    rule = rules[index] if index is not None else None
    if rule is None:
        problems.append("no rule knows this workload")
    else:
        problems += _client_problems(rule.client_id)
    return Rehearsal(
        rule=index,
        client_id=rule.client_id if rule else "",
        single_use=bool(rule and rule.single_use),
        problems=problems,
        mismatches=mismatches,
    )


def _client_problems(client_id: str) -> list[str]:
    client = Client.objects.filter(issuer="", client_id=client_id).first()
    if client is None:
        return ["the client is not registered"]
    problems = []
    if client.status != Client.Status.ACTIVE:
        problems.append(f"the client is {client.status}")
    if not client.allows_grant_type(JWT_BEARER):
        problems.append("the client does not have the jwt-bearer grant")
    if not client.scope_ceiling:
        problems.append("the client has no scopes")
    return problems
