"""Token exchange for access tokens: ours, or an upstream service's through the token source."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from audit import events, record
from authplane.core import clock
from authplane.core.ids import uuid7
from authplane.core.metrics import counter
from oauth import ports
from oauth.engine.request import TokenRequest
from oauth.errors import OAuthError, Reason
from oauth.models import Client
from oauth.tokens import ledger
from oauth.tokens.authorization import Authorization
from oauth.tokens.exchange.brokered import Vend, decide_brokered
from oauth.tokens.exchange.consents import consent_required
from oauth.tokens.exchange.minted import KIND, Decided, decide_minted
from oauth.tokens.exchange.order import Order, read_order
from oauth.tokens.exchange.presented import ACCESS_TOKEN_TYPE
from oauth.tokens.exchange.target import BROKER
from oauth.tokens.minting import MintedAccess
from oauth.tokens.standing import read_standing

VEND: Final = "vend"


@dataclass(frozen=True, slots=True)
class Permitted:
    """An exchange that passed every gate: the request, and what comes of it."""

    order: Order
    outcome: Decided | Vend


class AccessTokenExchange:
    """An access token for a live access token (RFC 8693 sections 2.1 and 2.2)."""

    def decide(self, request: TokenRequest) -> None:
        """The exchange is permitted; nothing was spent and nothing written.

        Raises: OAuthError.
        """
        binding = request.binding
        shown = {"jkt": binding.jkt, "x5t#S256": binding.certificate}
        order = read_order(
            request.parameters,
            resources=request.resources,
            client=request.client,
            shown={name: value for name, value in shown.items() if value},
            now=clock.now(),
        )
        target = order.target
        if target is not None and target.backend_kind == BROKER:
            if ports.token_source() is None:
                raise OAuthError(Reason.RESOURCE_UNKNOWN)
            request.source = Permitted(order, decide_brokered(order, target=target))
            return
        decided = decide_minted(order)
        request.source = Permitted(order, decided)
        request.authorization = decided.authorization

    def issue(self, request: TokenRequest, token_handler: Any) -> dict[str, Any]:
        """The members of the answer; the token stands in the ledger.

        Raises: OAuthError.
        """
        permitted: Permitted = request.source
        if isinstance(permitted.outcome, Vend):
            answer = _vend(permitted.order, vend=permitted.outcome)
        else:
            answer = _mint(request, permitted.order, permitted.outcome, token_handler)
        kind, _, source, target = _way(permitted.order)
        counter("authplane_token_exchange_total").labels(kind, source, target).inc()
        return answer


def _mint(
    request: TokenRequest, order: Order, decided: Decided, token_handler: Any
) -> dict[str, Any]:
    """One statement records the token, if all that it comes from still counts at that moment."""
    answer: dict[str, Any] = token_handler.create_token(request)
    authorization = decided.authorization
    recorded = ledger.record_exchange(
        ledger.Issue(
            authorization=authorization,
            access=request.minted_access,
            event=record.prepare(
                _event(order, jti=str(request.minted_access.jti), scopes=authorization.scope_text)
            ),
        ),
        consented_at=decided.consent.resource.id if decided.consent else None,
    )
    if not recorded:
        raise _ended_meanwhile(order, decided)
    counter("authserver_tokens_issued_total").labels(KIND).inc()
    return _with_type(answer)


def _vend(order: Order, *, vend: Vend) -> dict[str, Any]:
    """The upstream's token, never ours to bind or to revoke; a row of the ledger tells of it.

    Raises: OAuthError.
    """
    source = ports.token_source()
    if source is None:
        raise OAuthError(Reason.RESOURCE_UNKNOWN)
    issuance = uuid7()
    wish = ports.UpstreamRequest(
        issuance=issuance,
        user_id=vend.user_id,
        client_id=order.client.client_id,
        resource_id=vend.target.id,
        resource_slug=vend.target.slug,
        scopes=vend.scopes,
        now=order.now,
    )
    try:
        obtained = source.obtain(wish)
    except ports.UpstreamConsentNeeded as needed:
        raise _needs_connection(needed) from needed
    except ports.UpstreamUnavailable as away:
        raise OAuthError(
            Reason.UPSTREAM_UNAVAILABLE, headers={"Retry-After": str(max(1, away.retry_after))}
        ) from away
    except ports.UpstreamUnknown:
        raise OAuthError(Reason.RESOURCE_UNKNOWN) from None
    _record_vend(order, vend=vend, issuance=issuance, obtained=obtained)
    answer: dict[str, Any] = {"access_token": obtained.access_token, "token_type": "Bearer"}
    if obtained.lifetime is not None:
        # A client takes 0 for a token that has expired: what is unknown is left out.
        answer["expires_in"] = obtained.lifetime
    return _with_type(answer | {"scope": " ".join(vend.scopes)})


def _record_vend(
    order: Order, *, vend: Vend, issuance: uuid.UUID, obtained: ports.UpstreamToken
) -> None:
    """The evidence of the delegation, before the token leaves."""
    lifetime = obtained.lifetime or 0
    authorization = Authorization(
        kind=VEND,
        client=order.client,
        subject=order.subject.subject,
        user_id=vend.user_id,
        parent=order.subject.jti,
        consent_client=vend.consent.client if vend.consent else None,
        dpop_jkt=order.shown.get("jkt", ""),
        resource=vend.target.uri or vend.target.slug,
        scope=vend.scopes,
        lifetime=lifetime,
        actors=None,
    )
    until = order.now + timedelta(seconds=lifetime)
    event = _event(order, jti=str(issuance), scopes=authorization.scope_text)
    ledger.record_access(
        ledger.Issue(
            authorization=authorization,
            access=MintedAccess(issuance, "", order.now, until),
            event=record.prepare(event),
        ),
        served=obtained.evidence,
    )


def _needs_connection(needed: ports.UpstreamConsentNeeded) -> OAuthError:
    insufficient = needed.cause == "scope_insufficient"
    extra = {"cause": needed.cause, "consent_url": needed.consent_url}
    if needed.service_id:
        extra["service_id"] = needed.service_id
    return OAuthError(
        Reason.CONSENT_INSUFFICIENT if insufficient else Reason.CONSENT_MISSING, extra=extra
    )


def _ended_meanwhile(order: Order, decided: Decided) -> OAuthError:
    """Why nothing was recorded: the subject token ended, or the acting client, or the consent."""
    standing = read_standing(order.subject.jti)
    if standing is None or not standing.is_live:
        return OAuthError(Reason.SUBJECT_TOKEN_ENDED)
    acting = Client.objects.filter(pk=order.client.pk, status=Client.Status.ACTIVE)
    if decided.consent is None or not acting.exists():
        return OAuthError(Reason.CLIENT_INACTIVE)
    return consent_required(
        Reason.CONSENT_ENDED,
        key=decided.consent,
        wanted=decided.authorization.scope,
        now=order.now,
    )


def _event(order: Order, *, jti: str, scopes: str) -> events.TokenExchanged:
    kind, dispatch, source, target = _way(order)
    return events.TokenExchanged(
        actor_id=order.client.client_id,
        client_id=order.client.client_id,
        jti=jti,
        sub=order.subject.subject,
        subject_client=order.subject.client_id,
        actor_client=order.client.client_id,
        type=dispatch,
        scopes=scopes,
        resource=target,
        chain_kind=kind,
        via_link=f"{source}:{target}" if order.fronting else "",
    )


def _way(order: Order) -> tuple[str, str, str, str]:
    """Kind of exchange, who makes the token, and the slugs of where it comes from and goes to."""
    source = order.subject.resource
    came_from = source.slug if source is not None else "unregistered"
    if order.target is None:
        return "self", "mint_dispatch", came_from, came_from
    dispatch = "broker_dispatch" if order.target.backend_kind == BROKER else "mint_dispatch"
    return "fronted" if order.fronting else "direct", dispatch, came_from, order.target.slug


def _with_type(answer: dict[str, Any]) -> dict[str, Any]:
    """RFC 8693 section 2.2.1: `issued_token_type` is required, a refresh token is not given."""
    return {"access_token": answer.pop("access_token"), "issued_token_type": ACCESS_TOKEN_TYPE} | (
        answer
    )
