"""Secrets of others and keys given to others: there, and not about to end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Final, TypeVar

from django.db import DatabaseError

from admin_api.doctor.findings import Finding, fine, suspicious, unknown, wrong
from admin_api.doctor.scene import Scene
from admin_api.models import AdminApiKey
from authplane.core import clock
from broker.errors import BadProvider, SecretUnavailable
from broker.models import ApiKey, BrokerProvider, IdentityProvider, UpstreamConfig
from broker.providers.selectors import view_of
from broker.signin import secrets as sign_in
from oauth.errors import OAuthError
from oauth.federation.keys import KeySource, keys_for
from oauth.models import TrustedIdP

SOON: Final = timedelta(days=14)
MOST: Final = 500
SHOWN: Final = 5
ASKED: Final = 20

Row = TypeVar("Row")


def provider_secrets(_: Scene) -> Iterator[Finding]:
    """Our secret at every provider can be had."""
    try:
        services = list(BrokerProvider.objects.filter(enabled=True)[:MOST])
        people = list(IdentityProvider.objects.filter(enabled=True)[:MOST])
    except DatabaseError as error:
        yield unknown(f"the database does not answer: {type(error).__name__}")
        return
    lost = [row.slug for row in services if not _opens(_of_service, row)]
    lost += [row.slug for row in people if not _opens(_of_people, row)]
    if lost:
        yield wrong(
            f"the secret of {', '.join(lost)} cannot be had",
            "Set the variable that it refers to, or give it anew: authplane broker-providers "
            "(or identity-providers) change SLUG --secret-file FILE",
        )
    elif total := len(services) + len(people):
        yield fine(f"the secrets of {total} providers can be had")
    else:
        yield unknown("no provider is registered")


def _of_service(row: BrokerProvider) -> str:
    return view_of(row).secret()


def _of_people(row: IdentityProvider) -> str:
    sealed = None if row.secret_sealed is None else bytes(row.secret_sealed)
    return sign_in.open_secret(row.pk, slug=row.slug, sealed=sealed, reference=row.secret_ref)


def _opens(read: Callable[[Row], str], row: Row) -> bool:
    try:
        read(row)
    except (SecretUnavailable, BadProvider):
        return False
    return True


def expiring(_: Scene) -> Iterator[Finding]:
    """No key of an administrator, API key or registration elsewhere ends within two weeks."""
    now = clock.now()
    within = {"expires_at__gt": now, "expires_at__lte": now + SOON}
    try:
        ending = [
            *(f"administrator's key {key.name} ({key.expires_at:%Y-%m-%d})"
              for key in AdminApiKey.objects.filter(revoked_at=None, **within)[:MOST]),
            *(f"API key {key.name} ({key.expires_at:%Y-%m-%d})"
              for key in ApiKey.objects.filter(**within)[:MOST]),
            *(f"our registration at {at} ({when:%Y-%m-%d})"
              for at, when in UpstreamConfig.objects.filter(
                  client_expires_at__gt=now, client_expires_at__lte=now + SOON
              ).values_list("issuer", "client_expires_at")[:MOST]),
        ]  # fmt: skip
    except DatabaseError as error:
        yield unknown(f"the database does not answer: {type(error).__name__}")
        return
    if not ending:
        yield fine("nothing that was given out ends within two weeks")
        return
    named = ", ".join(ending[:SHOWN])
    more = f" and {len(ending) - SHOWN} more" if len(ending) > SHOWN else ""
    yield suspicious(f"ending soon: {named}{more}", "Give their holders new ones in time.")


def idp_keys(_: Scene) -> Iterator[Finding]:
    """The keys of trusted identity providers can be fetched."""
    try:
        trusted = list(TrustedIdP.objects.filter(enabled=True)[:ASKED])
    except DatabaseError as error:
        yield unknown(f"the database does not answer: {type(error).__name__}")
        return
    away = [row.name for row in trusted if not _has_keys(row)]
    if away:
        yield wrong(
            f"keys that cannot be fetched: {', '.join(away)}",
            "Assertions of these are refused. Look at their jwks_uri: authplane idps list; then: "
            "authplane idps refresh-keys ID",
        )
    elif trusted:
        yield fine(f"the keys of {len(trusted)} trusted identity providers can be had")
    else:
        yield unknown("no identity provider is trusted")


def _has_keys(row: TrustedIdP) -> bool:
    try:
        return bool(keys_for(KeySource(issuer=row.issuer, jwks_uri=row.jwks_uri), now=clock.now()))
    except OAuthError:
        return False
