"""What has been allowed already."""

import uuid
from collections.abc import Collection

from django.db.models import QuerySet

from authplane.accounts.models import User
from oauth.models import Client, ConsentGrant
from oauth.resources.view import ResourceView


def standing_consent(
    *, user: User, client: Client, resource: ResourceView, lock: bool = False
) -> ConsentGrant | None:
    """The consent in force, None when there is none or it was revoked.

    `lock` keeps it in force until the caller's transaction ends.
    """
    known = ConsentGrant.objects.select_for_update() if lock else ConsentGrant.objects.all()
    return known.filter(user=user, client=client, resource_id=resource.id, revoked_at=None).first()


def covers(consent: ConsentGrant | None, *, scopes: Collection[str]) -> bool:
    """Nobody needs to be asked: each of these scopes has been allowed.

    An empty set is never covered. A consent whose client has changed since keeps its row without
    its scopes, and must not pass for a consent to a resource that knows none.
    """
    return bool(scopes) and includes(consent, scopes=scopes)


def includes(
    consent: ConsentGrant | None, *, scopes: Collection[str], projects: Collection[str] = ()
) -> bool:
    """There is a consent in force, and it names each of these scopes and projects."""
    return (
        consent is not None
        and set(scopes) <= set(consent.scopes)
        and set(projects) <= set(consent.projects)
    )


def all_consents_of(user_id: uuid.UUID) -> QuerySet[ConsentGrant]:
    """Everything the user ever allowed, revoked consents too, the newest first."""
    return ConsentGrant.objects.filter(user=user_id).select_related("client").order_by("-pk")


def consents_of(user: User) -> QuerySet[ConsentGrant]:
    """Everything the user allows at present, newest first."""
    return (
        ConsentGrant.objects.filter(user=user, revoked_at=None)
        .select_related("client", "resource")
        .order_by("-updated_at")
    )
