"""OAuth proxies, keys for them, and what a proxy server asks before it forwards a request."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from authplane.accounts.models import User
    from broker.models import AccessGroup, ApiKey, BrokerProvider, OAuthProxy

_number = itertools.count(1)
FORWARD_AUTH_KEY = "forward-auth-key-of-the-test-suite-27"


def make_proxy(provider: BrokerProvider | None = None, **fields: Any) -> OAuthProxy:
    """A proxy in gateway mode, in front of a provider of its own unless one is given."""
    from broker.models import BrokerProvider, OAuthProxy
    from broker.providers import selectors

    number = next(_number)
    if provider is None:
        provider = BrokerProvider.objects.create(
            number=1000 + number,
            slug=f"behind-{number}",
            display_name="Behind",
            protocol="api_key",
            config_data={"header_name": "X-Api-Key"},
        )
        selectors.drop()
    fields.setdefault("slug", f"proxy-{number}")
    fields.setdefault("name", f"Proxy {number}")
    fields.setdefault("target_url", f"https://mcp{number}.example.com/mcp")
    row = OAuthProxy.objects.create(provider=provider, **fields)
    forget_proxies()
    return row


def forget_proxies() -> None:
    """This process reads the proxies anew."""
    from broker.proxies import selectors

    selectors.drop()


def make_group(proxy: OAuthProxy, *, limit: int | None = None, **fields: Any) -> AccessGroup:
    """A group that may use the proxy, at most `limit` times a minute."""
    from broker.models import AccessGroup, GroupProxyAccess

    fields.setdefault("name", f"group {next(_number)}")
    group = AccessGroup.objects.create(**fields)
    GroupProxyAccess.objects.create(group=group, proxy=proxy, requests_per_minute=limit)
    return group


def make_key(user: User, group: AccessGroup, **members: Any) -> tuple[ApiKey, str]:
    """A key of the user's in the group, and its text."""
    from broker.keys.services import create_key

    body = {"name": "a key", "user_id": str(user.pk), "user_group_id": str(group.pk)}
    return create_key(body | members)


def gateway_token(proxy: OAuthProxy, user: User, *, scope: str = "", **fields: Any) -> str:
    """An access token of the proxy's for the user, as its token endpoint makes them."""
    from audit import record
    from audit.events import TokenIssued
    from authplane.core import clock
    from broker.proxies.selectors import view_of
    from oauth.keys.rotation import ensure_first_key
    from oauth.tokens import ledger
    from oauth.tokens.authorization import Authorization
    from oauth.tokens.minting import sign_access
    from tests.support.factories import make_client

    ensure_first_key()
    seen = view_of(proxy)
    client = make_client(issuer=seen.key)
    fields.setdefault("resource", seen.resource)
    decided = Authorization(
        kind="authorization_code",
        client=client,
        subject=str(user.pk),
        user_id=user.pk,
        scope=tuple(scope.split()),
        lifetime=3600,
        **fields,
    )
    access = sign_access(decided, now=clock.now())
    event = record.prepare(TokenIssued(grant="authorization_code", jti=str(access.jti), scopes=""))
    ledger.record_access(ledger.Issue(authorization=decided, access=access, event=event))
    return access.token
