"""POST /oauth/par: a client leaves its authorization request here before it sends the user."""

from datetime import datetime
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from oauthlib.oauth2.rfc6749.errors import OAuth2Error

from authplane.core import clock
from authplane.core.config import config
from authplane.core.http import json_response
from oauth.authorize import pushed
from oauth.authorize.incoming import parameters_to_push, read_request, require_signed
from oauth.authorize.parameters import Parameters, from_pairs
from oauth.authorize.request_object import spend_id
from oauth.authorize.trust import UntrustedRequest, trusted_asker
from oauth.clients.authentication import authenticate_client
from oauth.clients.lookup import find_client
from oauth.dpop.proof import ProvenKey, verify_proof
from oauth.engine.core import seal
from oauth.engine.request import TokenRequest
from oauth.engine.responses import offer_nonce, render_refusal
from oauth.errors import OAuthError, Reason
from oauth.views.methods import takes

_CREDENTIALS: Final = frozenset({"client_secret", "client_assertion", "client_assertion_type"})


@csrf_exempt
@takes("POST")
def pushed_authorization(request: HttpRequest) -> HttpResponse:
    """201 with the `request_uri`, or the refusal that the authorization endpoint would have given.

    Spec: RFC 9126 sections 2.1 to 2.3.
    """
    try:
        request_uri = _push(seal(request))
    except OAuth2Error as refusal:
        return offer_nonce(request, render_refusal(request, refusal))
    members = {"request_uri": request_uri, "expires_in": pushed.LIFETIME}
    return offer_nonce(request, json_response(members, status=201))


def _push(sealed: TokenRequest) -> str:
    """The reference of the stored request; nothing is stored or spent unless every check passed.

    Raises: OAuth2Error.
    """
    now = clock.now()
    # Before the client's assertion is used up: a demand for a nonce must spend nothing.
    proof = _proof(sealed, now=now)
    client = authenticate_client(
        sealed.parameters,
        authorization=sealed.authorization_header,
        endpoint=sealed.endpoint,
        now=now,
        certificate=sealed.certificate,
        find_client=find_client,
    )
    sent = _sent(sealed, client_id=client.client_id)
    incoming = parameters_to_push(sent, client=client, now=int(now.timestamp()))
    try:
        trusted_asker(incoming.parameters, client=client)
    except UntrustedRequest:
        raise OAuthError(Reason.REQUEST_REDIRECT_INVALID) from None
    require_signed(incoming)
    wish, _ = read_request(incoming)
    values = dict(incoming.parameters.values)
    if proof is not None:
        # RFC 9449 section 10.1: the proof binds the code as dpop_jkt does; both MUST agree.
        if wish.dpop_jkt not in {"", proof.jkt}:
            raise OAuthError(Reason.DPOP_KEY_NOT_NAMED)
        values["dpop_jkt"] = (proof.jkt,)
    _require_small(values)
    if incoming.is_signed:
        spend_id(sealed.parameters["request"], client=client)
    if proof is not None:
        proof.spend()
    return pushed.keep(client, parameters=values, now=now)


def _proof(sealed: TokenRequest, *, now: datetime) -> ProvenKey | None:
    """The key that the client proves to hold, if it sent a proof; it is not used up yet.

    Spec: RFC 9449 section 10.1.
    Raises: OAuthError.
    """
    if not sealed.dpop_proofs or not config().features.dpop:
        return None
    return verify_proof(sealed.dpop_proofs, method="POST", url=sealed.endpoint, now=now)


def _sent(sealed: TokenRequest, *, client_id: str) -> Parameters:
    """The body without the client's credentials; repeated parameters were refused before."""
    single = [
        (name, value)
        for name, value in sealed.parameters.items()
        if name not in _CREDENTIALS | {"resource", "audience", "client_id"}
    ]
    resources = [("resource", value) for value in sealed.resources]
    return from_pairs([*single, *resources, ("client_id", client_id)])


def _require_small(values: dict[str, tuple[str, ...]]) -> None:
    total = sum(len(name) + sum(map(len, given)) for name, given in values.items())
    if total > pushed.MAX_STORED:
        raise OAuthError(Reason.BODY_TOO_LARGE)
