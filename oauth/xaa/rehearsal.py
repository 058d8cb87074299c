"""What would become of an identity provider's assertion. Nothing is spent, issued or counted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from authplane.core.jose import JoseError, unverified_claims
from authplane.core.models import OneTimeValue
from authplane.core.replay import digest_of
from oauth.clients.policy import JWT_BEARER
from oauth.errors import OAuthError, Reason
from oauth.models import Client
from oauth.resources.scopes import parse_scope
from oauth.resources.view import ResourceView
from oauth.xaa.assertions import (
    ASSERTION_IDS,
    Assertion,
    one_time_value,
    trusted_provider,
    verify_assertion,
)
from oauth.xaa.entitlement import entitled_resource, entitled_scope
from oauth.xaa.linking import looked_up
from oauth.xaa.trust import Policy, Provider

TIMES: Final = frozenset({Reason.ASSERTION_EXPIRED, Reason.ASSERTION_TOO_OLD})
A_MOMENT: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was checked. `reason` is empty when it holds, else the refusal's own name."""

    what: str
    told: str
    reason: str = ""


@dataclass(slots=True)
class Rehearsal:
    """Everything that was found, in the order of the grant; it ends where nothing more can be said.

    `policies` has each enabled policy with what keeps it from allowing this, "" for one that does.
    """

    steps: list[Step] = field(default_factory=list)
    policies: list[tuple[str, str]] = field(default_factory=list)
    is_complete: bool = False

    @property
    def is_accepted(self) -> bool:
        """A token would be issued."""
        return self.is_complete and not any(step.reason for step in self.steps)


def rehearse(presented: str, *, now: datetime, resource: str = "", scope: str = "") -> Rehearsal:
    """What the grant would say, and every further thing that it would say next.

    An assertion that is over is judged as if it had come in time: whoever looks for a reason has
    nearly always an old one. Proofs of possession are not part of it, as there is no request.
    """
    found = Rehearsal()
    try:
        provider = trusted_provider(presented)
        found.steps.append(Step("Issuer", f"{provider.name} is trusted and switched on"))
        assertion = _verified(found, presented, provider=provider, now=now)
        _judge(found, assertion, resource=resource, scope=scope)
        found.is_complete = True
    except OAuthError as refusal:
        found.steps.append(_refused(refusal))
    return found


def _verified(found: Rehearsal, presented: str, *, provider: Provider, now: datetime) -> Assertion:
    """Raises: OAuthError."""
    try:
        assertion = verify_assertion(presented, provider=provider, now=now)
    except OAuthError as refusal:
        if refusal.reason not in TIMES:
            raise
        found.steps.append(_refused(refusal))
        then = _issued_at(presented)
        assertion = verify_assertion(presented, provider=provider, now=now, judged_at=then)
    found.steps.append(Step("Signature", "signed by the provider, and meant for this server"))
    digest = digest_of(ASSERTION_IDS, one_time_value(assertion))
    if OneTimeValue.objects.filter(digest=digest, expires_at__gt=now).exists():
        found.steps.append(_refused(OAuthError(Reason.ASSERTION_REPLAYED)))
    return assertion


def _judge(found: Rehearsal, assertion: Assertion, *, resource: str, scope: str) -> None:
    """Raises: OAuthError."""
    client = Client.objects.filter(issuer="", client_id=assertion.client_id).first()
    found.steps += _client_steps(client, assertion)
    if client is None:
        raise OAuthError(Reason.CLIENT_UNKNOWN)
    view, was_named = entitled_resource(assertion, requested=(resource,) if resource else ())
    found.steps.append(_resource_step(view))
    names = entitled_scope(
        assertion, requested=parse_scope(scope), ceiling=client.scope_ceiling, resource=view,
        resource_was_named=was_named,
    )  # fmt: skip
    found.steps.append(Step("Scopes", " ".join(names) or "none"))
    _judge_policies(found, assertion, view, names)
    _, refusal, subject = looked_up(assertion)
    found.steps.append(
        _refused(OAuthError(refusal))
        if refusal
        else Step("Subject", f"{assertion.subject} is {subject.name} here")
    )


def _judge_policies(
    found: Rehearsal, assertion: Assertion, resource: ResourceView, scope: tuple[str, ...]
) -> None:
    for policy in assertion.provider.policies:
        why = "; ".join(_lacks(policy, assertion, resource, scope))
        found.policies.append((policy.name, why))
    allowing = [name for name, why in found.policies if not why]
    found.steps.append(
        Step("Policy", f"{allowing[0]} allows it")
        if allowing
        else _refused(OAuthError(Reason.XAA_POLICY))
    )


def _lacks(
    policy: Policy, assertion: Assertion, resource: ResourceView, scope: tuple[str, ...]
) -> Iterator[str]:
    """In the words of `Policy.allows`, one reason for each of its rules that does not hold."""
    only_client = Policy(name="", client_ids=policy.client_ids, scopes=None, resources=frozenset())
    if not only_client.allows(client_id=assertion.client_id, resource="", scope=()):
        yield "it does not list the client"
    only_resource = Policy(name="", client_ids=frozenset(), scopes=None, resources=policy.resources)
    if not only_resource.allows(client_id="", resource=resource.uri, scope=()):
        yield "it does not list the resource"
    if policy.scopes is not None and (beyond := set(scope) - policy.scopes or not policy.scopes):
        told = "any scope" if beyond is True else " ".join(sorted(beyond))
        yield f"it does not allow {told}"


def _resource_step(view: ResourceView) -> Step:
    if view.rules.grants is not None and JWT_BEARER not in view.rules.grants:
        return Step(
            "Resource", f"{view.slug} takes no tokens of this grant", Reason.RESOURCE_GRANT_REFUSED
        )
    proof = ", with a DPoP proof" if view.rules.dpop == "required" else ""
    return Step("Resource", f"{view.display_name or view.slug} ({view.uri}){proof}")


def _client_steps(client: Client | None, assertion: Assertion) -> Iterator[Step]:
    if client is None:
        return
    if client.status != Client.Status.ACTIVE:
        yield Step("Client", f"{client} is {client.status}", Reason.CLIENT_INACTIVE)
    elif client.is_public:
        yield Step("Client", f"{client} cannot prove who it is", Reason.CLIENT_PUBLIC)
    elif not client.allows_grant_type(JWT_BEARER):
        yield Step(
            "Client", f"{client} does not have the jwt-bearer grant", Reason.GRANT_TYPE_NOT_ALLOWED
        )
    else:
        bound = " and has to prove the key that the assertion names" * bool(assertion.confirmation)
        yield Step("Client", f"{client} may present it{bound}")


def _refused(refusal: OAuthError) -> Step:
    return Step("Refused", _WORDS.get(refusal.reason, refusal.reason.value), refusal.reason.value)


def _issued_at(presented: str) -> datetime | None:
    """A moment after it was made, by its own word, which is good enough for a rehearsal."""
    try:
        return datetime.fromtimestamp(float(unverified_claims(presented)["iat"]), tz=UTC) + A_MOMENT
    except (JoseError, KeyError, TypeError, ValueError, OverflowError, OSError):
        return None


_WORDS: Final = {
    Reason.ASSERTION_MALFORMED: "This is no signed token of a kind that is accepted here.",
    Reason.ASSERTION_ISSUER: "No trusted identity provider has this issuer, byte for byte.",
    Reason.IDP_DISABLED: "The identity provider is switched off.",
    Reason.ASSERTION_TYPE: "Its typ is not oauth-id-jag+jwt: it is another kind of token.",
    Reason.ASSERTION_SIGNATURE: "No key of the provider made this signature.",
    Reason.ASSERTION_EXPIRED: "It has expired. What follows is judged as if it had come in time.",
    Reason.ASSERTION_TOO_OLD: (
        "It was made too long ago. What follows is judged as if it had come in time."
    ),
    Reason.ASSERTION_CLAIMS: "A claim is missing or malformed: sub, client_id, jti, iat or exp.",
    Reason.ASSERTION_AUDIENCE: "Its aud is not this server alone.",
    Reason.ASSERTION_KEY: "It is bound to a key in a way that nobody can prove here.",
    Reason.ASSERTION_REPLAYED: "It was used before. Each assertion is good for one token.",
    Reason.ISSUER_KEYS_UNAVAILABLE: "The keys of the provider cannot be had at present.",
    Reason.CLIENT_UNKNOWN: "No client here has the id that its client_id names.",
    Reason.RESOURCE_UNKNOWN: "No resource has the URI that it names.",
    Reason.RESOURCE_SEVERAL: "It names several resources: the request has to choose one.",
    Reason.RESOURCE_MISMATCH: "It is not for the resource that was asked for.",
    Reason.XAA_RESOURCE_REQUIRED: "Neither it nor the request names a resource.",
    Reason.SCOPE_NO_CEILING: "The client has no scopes: an operator has to give it some.",
    Reason.SCOPE_BEYOND_GRANT: "A scope was asked for that the assertion does not hold.",
    Reason.SCOPE_BEYOND_CEILING: "A scope was asked for that the client can never have.",
    Reason.SCOPE_UNKNOWN: "A scope was asked for that the resource does not know.",
    Reason.SCOPE_EMPTY: "Nothing is left of the scopes that assertion, client and resource share.",
    Reason.XAA_POLICY: "No enabled policy of the provider allows this. Below is what each lacks.",
    Reason.XAA_SUBJECT_UNMAPPED: (
        "The subject is linked to nobody, and links are demanded "
        "(AUTHPLANE_XAA_SUBJECT_MODE is strict)."
    ),
    Reason.XAA_SUBJECT_INACTIVE: "The subject is linked to an account that is not active.",
}
