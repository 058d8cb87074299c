"""What users allowed clients of proxies, and how they take it back."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from audit import record
from audit.events import ProxyConsentGranted, ProxyConsentRevoked
from authplane.accounts.models import User
from broker.models import GatewaySession, ProxyConsent
from broker.proxies.selectors import Proxy, issuer_key
from oauth.models import AuthorizationCode, Client, TokenFamily

CAUSE = "consent_revoked"


def standing_consent(
    proxy: Proxy, *, user: User, client: Client, lock: bool = False
) -> ProxyConsent | None:
    """The consent in force; None when there is none or it was revoked.

    `lock` keeps it in force until the caller's transaction ends.
    """
    known = ProxyConsent.objects.select_for_update() if lock else ProxyConsent.objects.all()
    return known.filter(user=user, client=client, proxy_id=proxy.id, revoked_at=None).first()


def covers(consent: ProxyConsent | None, *, scopes: Collection[str]) -> bool:
    """Nobody needs to be asked: all of it has been allowed."""
    return consent is not None and set(scopes) <= set(consent.scopes)


def widen(
    proxy: Proxy, *, user: User, client: Client, scopes: Collection[str], now: datetime
) -> None:
    """The user allows these scopes in addition to what stands; what was revoked starts anew.

    To be called inside of the transaction that decides.
    """
    row, is_new = ProxyConsent.objects.select_for_update().get_or_create(
        user=user, client=client, proxy_id=proxy.id, defaults={"scopes": list(scopes)}
    )
    if not is_new:
        before = row.scopes if row.revoked_at is None else []
        row.scopes = list(dict.fromkeys((*before, *scopes)))
        row.revoked_at = None
        row.updated_at = now
        row.save(update_fields=["scopes", "revoked_at", "updated_at"])
    record.record(
        ProxyConsentGranted(
            actor_id=str(user.pk),
            client_id=client.client_id,
            proxy=proxy.slug,
            scopes=" ".join(scopes),
        )
    )


def consents_of(user: User) -> QuerySet[ProxyConsent]:
    """Everything the user allows clients of proxies at present, newest first."""
    return (
        ProxyConsent.objects.filter(user=user, revoked_at=None)
        .select_related("client", "proxy__provider")
        .order_by("-updated_at")
    )


def revoke_consent(*, consent_id: uuid.UUID, user: User, now: datetime) -> bool:
    """The client can do nothing more for this user at this proxy; False when it could not.

    Codes first, as at this server itself: a code that is being redeemed holds its row, so that its
    family is there to be ended when the next statement looks.
    """
    with transaction.atomic():
        consent = (
            ProxyConsent.objects.select_for_update(of=("self",))
            .select_related("client", "proxy")
            .filter(pk=consent_id, user=user, revoked_at=None)
            .first()
        )
        if consent is None:
            return False
        consent.revoked_at = now
        consent.save(update_fields=["revoked_at", "updated_at"])
        key = issuer_key(consent.proxy_id)
        AuthorizationCode.objects.filter(
            user=user, application=consent.client, issuer=key, consumed_at=None, revoked_at=None
        ).update(revoked_at=now)
        families = TokenFamily.objects.filter(
            user=user, client=consent.client, issuer=key, revoked_at=None
        ).update(revoked_at=now, revoked_reason=CAUSE)
        GatewaySession.objects.filter(
            user=user, client=consent.client, proxy_id=consent.proxy_id, revoked_at=None
        ).update(revoked_at=now)
        record.record(
            ProxyConsentRevoked(
                actor_id=str(user.pk),
                client_id=consent.client.client_id,
                proxy=consent.proxy.slug,
                families=families,
            )
        )
    return True
