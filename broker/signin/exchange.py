"""From the code of an answer to a person whom the provider vouches for."""

from __future__ import annotations

from datetime import datetime

from broker.connect.state import Claimed
from broker.signin.discovery import Published, forget, published_by
from broker.signin.errors import ProviderDown, SignInRefused
from broker.signin.id_token import Expected, verified_claims
from broker.signin.profile import Profile, read_profile
from broker.signin.providers import SignInProvider
from broker.signin.start import MAX_AGE, nonce_of
from broker.upstream.base import TokenAnswer, UpstreamDown, UpstreamError
from broker.upstream.reach import reach_of
from broker.upstream.token_endpoint import Endpoint, ask

NOT_EXCHANGED = "code_exchange_failed"
NO_ID_TOKEN = "no_id_token"  # noqa: S105 - a reason


def person_behind(
    code: str, *, claimed: Claimed, provider: SignInProvider, now: datetime
) -> Profile:
    """Who signed in at the provider. The provider's tokens are forgotten afterwards.

    Raises: ProviderDown, SignInRefused, SecretUnavailable.
    """
    published = published_by(provider.issuer)
    answer = _tokens(code, claimed=claimed, provider=provider, published=published)
    claims = verified_claims(
        answer.id_token,
        published=published,
        expected=Expected(
            client_id=provider.client_id,
            nonce=nonce_of(claimed.verifier),
            access_token=answer.access_token,
            max_age=claimed.row.context.get(MAX_AGE),
            began=int(claimed.row.created_at.timestamp()),
        ),
        now=now,
    )
    return read_profile(
        claims, provider=provider, published=published, access_token=answer.access_token
    )


def _tokens(
    code: str, *, claimed: Claimed, provider: SignInProvider, published: Published
) -> TokenAnswer:
    """What the code is worth. Raises: ProviderDown, SignInRefused, SecretUnavailable."""
    secret = provider.secret()
    endpoint = Endpoint(
        client_id=provider.client_id,
        token_url=published.token_endpoint,
        token_endpoint_auth_method=_auth_method(provider, published, secret=secret),
    )
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": claimed.row.redirect_uri,
        "code_verifier": claimed.verifier,
    }
    try:
        answer = ask(endpoint, secret, form, reach_of(published.token_endpoint))
    except UpstreamDown as down:
        # It may have moved: its document is read anew for the next one who tries.
        forget(provider.issuer)
        raise ProviderDown(f"token endpoint: {down.why}") from None
    except UpstreamError as refused:
        raise SignInRefused(NOT_EXCHANGED) from refused
    if not answer.id_token:
        raise SignInRefused(NO_ID_TOKEN)
    return answer


def _auth_method(provider: SignInProvider, published: Published, *, secret: str) -> str:
    """How we say who we are: as the operator says, else Basic unless only the form is taken.

    Spec: OpenID Connect Discovery 1.0 section 3 (the default is `client_secret_basic`).
    """
    if not secret:
        return "none"
    if provider.auth_method:
        return provider.auth_method
    known = published.auth_methods
    only_post = "client_secret_post" in known and "client_secret_basic" not in known
    return "client_secret_post" if only_post else "client_secret_basic"
