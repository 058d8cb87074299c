"""Which way of speaking belongs to a provider, or to a remote MCP server."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from authplane.core import clock
from authplane.core.hashing import new_secret
from broker.errors import BadProvider, Problem, SecretUnavailable
from broker.models import Connection, ProviderConfig, UpstreamConfig
from broker.providers.private_keys import BadKey, read_key
from broker.providers.selectors import Provider, provider_by_id, provider_of_server
from broker.providers.settings import (
    ApiKeySettings,
    OAuthSettings,
    ServiceAccountSettings,
)
from broker.remote.client import MANUAL
from broker.remote.configuration import configured_provider
from broker.remote.targets import of_provider
from broker.upstream import service_account
from broker.upstream.authorize_url import authorize_url
from broker.upstream.base import TokenAnswer
from broker.upstream.client_assertion import METHOD
from broker.upstream.issuer import endpoints_of
from broker.upstream.reach import reach_of
from broker.upstream.revocation import revoke_token
from broker.upstream.token_endpoint import EXCHANGE_SECONDS, REFRESH_SECONDS, ask
from broker.vault.sealing import open_text


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthAdapter:
    """An OAuth registration, complete: endpoints are known and the secret is at hand."""

    needs: ClassVar[str] = "refresh_token"
    settings: OAuthSettings
    secret: str = field(default="", repr=False)
    resource: str = ""

    def authorize_url(
        self, *, redirect_uri: str, state: str, challenge: str, scopes: Iterable[str]
    ) -> str:
        """Where the browser goes. `challenge` counts where the service knows PKCE."""
        settings = self.settings
        asked = (*scopes, *settings.extra_scopes)
        # Some OpenID providers demand one. No ID token is read here, so nothing is held against it.
        nonce = {"nonce": new_secret(32)} if "openid" in asked else {}
        return authorize_url(
            settings.authorize_url,
            client_id=settings.client_id,
            redirect_uri=redirect_uri,
            state=state,
            challenge=challenge if settings.pkce else "",
            scopes=asked,
            scope_parameter=settings.scope_parameter,
            scope_separator=settings.scope_separator,
            extra=nonce | settings.extra_auth_params,
            resource=self.resource,
        )

    def exchange_code(self, code: str, *, verifier: str, redirect_uri: str) -> TokenAnswer:
        """The tokens behind a code. Raises: UpstreamError."""
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
        if self.settings.pkce:
            form["code_verifier"] = verifier
        return self._ask(form, timeout=EXCHANGE_SECONDS)

    def refresh(self, refresh_token: str) -> TokenAnswer:
        """The next access token, with all that was granted.

        No `scope` is sent: whoever waits for this answer shares it, whatever they asked for.

        Raises: UpstreamError.
        """
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        return self._ask(form, timeout=REFRESH_SECONDS)

    def revoke(self, token: str, *, hint: str) -> bool:
        """Whether the service forgot the token; False as well where it cannot be told to."""
        url = self.settings.revoke_url
        return bool(url) and revoke_token(
            self.settings, self.secret, url, token, hint=hint, reach=reach_of(url)
        )

    def _ask(self, form: dict[str, str], *, timeout: float) -> TokenAnswer:
        if self.resource:
            form["resource"] = self.resource
        reach = reach_of(self.settings.token_url)
        return ask(self.settings, self.secret, form, reach, timeout=timeout)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyAdapter:
    """A service that users paste a key of. It is never called from here."""

    needs: ClassVar[str] = "api_key"
    settings: ApiKeySettings

    def obtain(
        self, credential: Mapping[str, Any], *, scopes: Iterable[str], now: datetime
    ) -> TokenAnswer:
        """The key itself, whatever the scopes and the time."""
        del scopes, now
        return TokenAnswer(access_token=credential["api_key"])


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceAccountAdapter:
    """A service account that acts as users. Each assertion is new, so none can be used up."""

    needs: ClassVar[str] = "impersonate_sub"
    settings: ServiceAccountSettings
    key: str = field(repr=False)

    def obtain(
        self, credential: Mapping[str, Any], *, scopes: Iterable[str], now: datetime
    ) -> TokenAnswer:
        """A token of the user that the credential names. Raises: UpstreamError, BadKey."""
        return service_account.obtain(
            self.settings,
            self.key,
            subject=credential["impersonate_sub"],
            scopes=scopes,
            reach=reach_of(self.settings.token_url),
            now=int(now.timestamp()),
        )


Adapter = OAuthAdapter | KeyAdapter | ServiceAccountAdapter


def adapter_for(provider: Provider) -> Adapter:
    """The provider's way of speaking, with its secret opened.

    Raises: BadProvider, SecretUnavailable; NotSent when its endpoints cannot be discovered;
    CryptoError when a secret that was discovered with them cannot be opened.
    """
    settings = provider.usable()
    if isinstance(settings, OAuthSettings):
        found = endpoints_of(settings)
        complete = dataclasses.replace(
            settings,
            authorize_url=found.authorize_url,
            token_url=found.token_url,
            revoke_url=found.revoke_url,
        )
        return OAuthAdapter(settings=complete, secret=_usable(provider.secret(), settings))
    if isinstance(settings, ApiKeySettings):
        return KeyAdapter(settings=settings)
    if isinstance(settings, ServiceAccountSettings):
        return ServiceAccountAdapter(settings=settings, key=provider.secret())
    known = of_provider(provider).stored()
    if known is None or not known.client_id:
        known = configured_provider(provider, now=clock.now())
    return adapter_for_server(known)


def _usable(secret: str, settings: OAuthSettings) -> str:
    """The secret, which is a key where the method signs with one.

    Looked at before anything is asked: what our operator has to mend must not look like an answer
    that was lost. Raises: SecretUnavailable.
    """
    if settings.token_endpoint_auth_method == METHOD:
        try:
            read_key(secret)
        except BadKey as error:
            raise SecretUnavailable(f"the private key {error}") from None
    return secret


def adapter_for_server(found: UpstreamConfig | ProviderConfig) -> OAuthAdapter:
    """What was discovered about a remote MCP server, with our client there, however old it is.

    Raises: CryptoError, SecretUnavailable; BadProvider when its client was an administrator's and
    is not configured any more.
    """
    settings = OAuthSettings(
        client_id=found.client_id,
        issuer=found.issuer,
        authorize_url=found.authorization_endpoint,
        token_url=found.token_endpoint,
        revoke_url=found.revocation_endpoint,
        token_endpoint_auth_method=found.token_endpoint_auth_method,
    )
    return OAuthAdapter(
        settings=settings, secret=_secret_of(found), resource=found.resource_identifier
    )


def _secret_of(found: UpstreamConfig | ProviderConfig) -> str:
    """The secret of our client there; empty for a public one."""
    if found.client_source == MANUAL:
        is_own = isinstance(found, ProviderConfig)
        provider = provider_by_id(found.pk) if is_own else provider_of_server(found.url)
        configured = provider.usable() if provider else None
        if provider is None or getattr(configured, "client_id", "") != found.client_id:
            raise BadProvider([Problem("client_id", "of the server is not configured any more")])
        return provider.secret()
    if found.secret_sealed is None:
        return ""
    table = found._meta.db_table  # noqa: SLF001 - Django's own name for it
    return open_text(found.secret_sealed, table=table, row=found.pk, column="secret_sealed")


def adapter_of(connection: Connection) -> Adapter:
    """How the service that a connection leads to is spoken with.

    Raises: as `adapter_for`; BadProvider when nothing is known about it any more.
    """
    if connection.server_id is not None:
        found = UpstreamConfig.objects.filter(pk=connection.server_id).first()
        if found is None or not found.token_endpoint:
            raise BadProvider([Problem("server", "is not discovered")])
        return adapter_for_server(found)
    provider = provider_by_id(connection.provider_id)
    if provider is None:
        raise BadProvider([Problem("provider", "does not exist")])
    return adapter_for(provider)
