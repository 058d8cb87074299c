"""Exchanges into tokens of an upstream service: the gates that are ours to keep.

Whether the user has connected an account there, and allowed enough, is the token source's question.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from oauth.clients.policy import TOKEN_EXCHANGE
from oauth.errors import OAuthError, Reason
from oauth.resources.rules import require_grant
from oauth.resources.view import ResourceView
from oauth.tokens.exchange import ceiling, consents, gates
from oauth.tokens.exchange.order import Order


@dataclass(frozen=True, slots=True)
class Vend:
    """An upstream token that may be had for this user, with these of our scope names."""

    user_id: uuid.UUID
    target: ResourceView
    scopes: tuple[str, ...]
    consent: consents.ConsentKey | None = None


def decide_brokered(order: Order, *, target: ResourceView) -> Vend:
    """What may be asked of the upstream service. Nothing was written.

    Raises: OAuthError for the first gate that stays shut.
    """
    if "actor_token" in order.parameters:
        # The upstream's token carries no chain: a delegation would be lost without a trace.
        raise OAuthError(Reason.ACTOR_FOR_BROKER)
    gates.require_admitted(order.client, target=target)
    require_grant(target, grant_type=TOKEN_EXCHANGE)
    if order.source is not None and order.fronting is None:
        raise OAuthError(Reason.FRONTING_LINK_MISSING)
    user_id = order.subject.standing.user_id
    if order.fronting is not None:
        gates.require_gateway(order.client, fronting=order.fronting, target=target)
        if user_id is None:
            raise OAuthError(Reason.NOBODY_TO_CONSENT)
        return Vend(user_id, target, _over_the_link(order, target=target))
    ceiling.require_within(order.requested, held=order.subject.scopes)
    attested = gates.attested_resource(order.client)
    key = consents.consent_key(order.subject, resource=attested)
    return Vend(key.user_id, target, _attested(order, target=target, key=key), key)


def _over_the_link(order: Order, *, target: ResourceView) -> tuple[str, ...]:
    """The target's scopes that the subject token's lead to.

    What the link or the subject token lacks, no page of ours can add: there is no `consent_url`.
    """
    fronting = order.fronting
    assert fronting is not None  # noqa: S101 - the caller asked
    try:
        return ceiling.fronted(
            order.requested, held=order.subject.scopes, link=fronting.link, target=target
        )
    except OAuthError as refusal:
        lacking = {"cause": "scope_insufficient", "service_id": target.slug}
        raise OAuthError(Reason.CONSENT_INSUFFICIENT, extra=lacking) from refusal


def _attested(order: Order, *, target: ResourceView, key: consents.ConsentKey) -> tuple[str, ...]:
    """The scopes that the user allowed at the resource this client acts as."""
    allowed = consents.allowed_scopes(key)
    held = order.subject.scopes
    wanted = order.requested or tuple(
        scope.name for scope in target.scopes if held is None or scope.name in held
    )
    if not allowed:
        raise consents.consent_required(
            Reason.CONSENT_MISSING, key=key, wanted=wanted, now=order.now
        )
    lacking = consents.missing(wanted, allowed=allowed)
    granted = tuple(sorted(set(wanted) - set(lacking)))
    if (order.requested and lacking) or not granted:
        raise consents.consent_required(
            Reason.CONSENT_INSUFFICIENT, key=key, wanted=lacking, now=order.now
        )
    return order.requested or granted
