"""Which clients may exchange: what operators wrote into the policy of a resource."""

from __future__ import annotations

from oauth.errors import OAuthError, Reason
from oauth.models import Client, Resource
from oauth.resources.selectors import directory
from oauth.resources.view import ResourceView
from oauth.tokens.exchange.target import Fronting


def require_admitted(client: Client, *, target: ResourceView) -> None:
    """The target's list of clients is empty or names this one.

    Raises: OAuthError(OPERATOR_GATE).
    """
    admitted = target.exchange_allowed_client_ids
    if admitted and client.client_id not in admitted:
        raise OAuthError(Reason.OPERATOR_GATE)


def require_trusted_with_others(client: Client, *, target: ResourceView) -> None:
    """The client may bring tokens that others got: it is listed at the target, or acts as it.

    An empty list names nobody here. Otherwise every client allowed to exchange could turn any
    token that it ever saw into one for this target.

    Raises: OAuthError(CROSS_CLIENT).
    """
    trusted = target.exchange_allowed_client_ids | target.runtime_client_ids
    if client.client_id not in trusted:
        raise OAuthError(Reason.CROSS_CLIENT)


def require_gateway(client: Client, *, fronting: Fronting, target: ResourceView) -> None:
    """The client acts as the source of the link, or is listed at the target.

    A link takes the place of the user's consent, so that it must not be open to everybody.

    Raises: OAuthError(FRONTING_CALLER).
    """
    gateways = fronting.source.runtime_client_ids | target.exchange_allowed_client_ids
    if client.client_id not in gateways:
        raise OAuthError(Reason.FRONTING_CALLER)


def attested_resource(client: Client) -> ResourceView:
    """The one resource with tokens of ours that this client acts as.

    Raises: OAuthError(ATTESTATION_UNKNOWN), OAuthError(ATTESTATION_AMBIGUOUS).
    """
    acts_as = [
        resource
        for resource in directory().resources
        if client.client_id in resource.runtime_client_ids
    ]
    if len(acts_as) > 1:
        raise OAuthError(Reason.ATTESTATION_AMBIGUOUS)
    if not acts_as or acts_as[0].backend_kind != Resource.Backend.MINT:
        raise OAuthError(Reason.ATTESTATION_UNKNOWN)
    return acts_as[0]
