"""Exchanges into tokens of our own making: the gates in their order, and what comes of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from authplane.core.config import config
from oauth.clients.lookup import find_known_client
from oauth.clients.policy import TOKEN_EXCHANGE
from oauth.errors import OAuthError, Reason
from oauth.resources.rules import bound_key, lifetime_at, require_allowed
from oauth.resources.view import ResourceView
from oauth.tokens.authorization import Authorization
from oauth.tokens.exchange import actors, ceiling, consents, gates
from oauth.tokens.exchange.order import Order
from oauth.tokens.exchange.possession import require_possession
from oauth.tokens.exchange.presented import Presented
from oauth.tokens.lifetimes import exchanged_token_lifetime
from oauth.tokens.standing import MAX_ANCESTORS

KIND: Final = "token_exchange"


@dataclass(frozen=True, slots=True)
class Permission:
    """The scopes that may be had; the consent they rest on, where they rest on one."""

    scopes: tuple[str, ...]
    consent: consents.ConsentKey | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """A token that may be made, and the consent that must still stand when it is recorded."""

    authorization: Authorization
    consent: consents.ConsentKey | None


def decide_minted(order: Order) -> Decided:
    """The token that comes of it. Nothing was written.

    Raises: OAuthError for the first gate that stays shut.
    """
    if order.target is None:
        return _at_the_same(order)
    return _at_another(order, target=order.target)


def _at_the_same(order: Order) -> Decided:
    """A further token of the client's own for the same audience."""
    actor, held = _actor(order), order.subject.scopes
    ceiling.require_within(order.requested, held=held or ())
    if not order.is_own or not config().exchange.allow_self_exchange:
        raise OAuthError(Reason.SELF_EXCHANGE)
    _require_rules(order, resource=order.subject.resource)
    permission = Permission(ceiling.at_the_same(order.requested, held=held))
    return _decided(order, permission=permission, actor=actor)


def _at_another(order: Order, *, target: ResourceView) -> Decided:
    """A token for the named resource."""
    gates.require_admitted(order.client, target=target)
    _require_rules(order, resource=target)
    permission = _permission(order, target=target)
    return _decided(order, permission=permission, actor=_actor(order))


def _permission(order: Order, *, target: ResourceView) -> Permission:
    """What may be had there: over a link, as one's own, or by the user's consent."""
    held = order.subject.scopes
    if order.fronting is not None:
        gates.require_gateway(order.client, fronting=order.fronting, target=target)
        link = order.fronting.link
        return Permission(ceiling.fronted(order.requested, held=held, link=link, target=target))
    ceiling.require_within(order.requested, held=held)
    if order.is_own and config().exchange.allow_self_exchange:
        return Permission(ceiling.of_ones_own(order.requested, held=held, target=target))
    if not order.is_own:
        gates.require_trusted_with_others(order.client, target=target)
    return _consented(order, target=target)


def _consented(order: Order, *, target: ResourceView) -> Permission:
    held = order.subject.scopes
    key = consents.consent_key(order.subject, resource=target)
    wanted = ceiling.consentable(order.requested, held=held, target=target)
    allowed = consents.allowed_scopes(key)
    if not allowed:
        raise consents.consent_required(
            Reason.CONSENT_MISSING, key=key, wanted=wanted, now=order.now
        )
    try:
        scopes = ceiling.consented(order.requested, held=held, allowed=allowed, target=target)
    except OAuthError as refusal:
        if refusal.reason is not Reason.CONSENT_INSUFFICIENT:
            raise
        lacking = consents.missing(wanted, allowed=allowed)
        raise consents.consent_required(
            refusal.reason, key=key, wanted=lacking, now=order.now
        ) from None
    return Permission(scopes, key)


def _require_rules(order: Order, *, resource: ResourceView | None) -> None:
    """The resource's own demands: this grant, and a bound token where it takes no other."""
    require_allowed(
        resource,
        grant_type=TOKEN_EXCHANGE,
        binding_jkt=order.shown.get("jkt", ""),
        client=order.client,
    )


def _actor(order: Order) -> Presented | None:
    """The actor token, live and in the hands of somebody who may have it; None when none was sent.

    Raises: OAuthError(ACTOR_TOKEN_INVALID), and what `require_possession` raises.
    """
    if "actor_token" not in order.parameters:
        return None
    actor = order.actor
    if actor is None or not actor.standing.is_live:
        raise OAuthError(Reason.ACTOR_TOKEN_INVALID)
    require_possession(actor, client=order.client, shown=order.shown)
    return actor


def _decided(order: Order, *, permission: Permission, actor: Presented | None) -> Decided:
    client, subject = order.client, order.subject
    chain = _chain(order, actor=actor)
    actors.require_depth(chain, limit=config().exchange.max_chain_depth)
    if subject.standing.ancestors >= MAX_ANCESTORS:
        # A client's own exchanges add no hop, but whoever asks about a token walks up to the first.
        raise OAuthError(Reason.CHAIN_TOO_DEEP)
    resource = order.target or subject.resource
    lifetime = lifetime_at(resource, exchanged_token_lifetime())
    consent = permission.consent
    return Decided(
        Authorization(
            kind=KIND,
            client=client,
            subject=subject.subject,
            user_id=subject.standing.user_id,
            parent=subject.jti,
            consent_client=consent.client if consent else None,
            resource=order.target.uri if order.target else subject.audience,
            scope=permission.scopes,
            lifetime=min(lifetime, subject.seconds_left(now=order.now)),
            dpop_jkt=bound_key(resource, order.shown.get("jkt", "")),
            certificate=order.shown.get("x5t#S256", ""),
            actors=chain,
            agent_chain=actors.agents_of(chain) if client.is_agent else (),
            auth_time=subject.claims.get("auth_time"),
            acr=subject.claims.get("acr", ""),
            amr=tuple(subject.claims.get("amr", ())),
            projects=tuple(subject.claims["projects"]) if "projects" in subject.claims else None,
            decided_at=order.now,
        ),
        consent,
    )


def _chain(order: Order, *, actor: Presented | None) -> actors.Hop | None:
    """Who acts in the new token: the newest actor outermost, the subject token's own inside.

    Over a link the source stands in the chain, and before it whoever sent it the token. A client's
    exchange of its own token adds nothing, for nobody else has begun to act.
    """
    chain = actors.chain_of(order.subject.claims)
    if order.fronting is not None:
        sender = order.subject.client_id
        chain = actors.with_hop(
            actors.hop_of(order.fronting.source.slug, is_agent=None),
            before=chain or actors.hop_of(sender, is_agent=None),
        )
        return chain if actor is None else actors.with_hop(_hop_of(actor), before=chain)
    if actor is not None:
        return actors.with_hop(_hop_of(actor), before=chain)
    if order.is_own:
        return chain
    newest = actors.hop_of(order.client.client_id, is_agent=order.client.is_agent)
    return actors.with_hop(newest, before=chain)


def _hop_of(actor: Presented) -> actors.Hop:
    """The actor token's subject. A person who acts is neither an agent nor a service."""
    if actor.standing.user_id is not None or actor.subject != actor.client_id:
        return actors.hop_of(actor.subject, is_agent=None)
    known = find_known_client(actor.client_id)
    return actors.hop_of(actor.subject, is_agent=bool(known and known.is_agent))
