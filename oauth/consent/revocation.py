"""Take back what was allowed, with everything that came of it."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from audit import record
from audit.events import ConsentGrantRevokedAdmin, ConsentRevoked
from authplane.accounts.models import User
from oauth.models import AuthorizationCode, ConsentGrant, TokenFamily
from oauth.resources.selectors import view_of
from oauth.tokens.descent import revoke_resting_on

CAUSE = "consent_revoked"


class ConsentUnknown(Exception):
    """No consent has this id."""

    def __init__(self) -> None:
        super().__init__("consent grant not found")


def revoke_consent(*, consent_id: UUID, user: User, now: datetime) -> bool:
    """The user takes back a consent of theirs; False when there was none in force."""
    return _revoke(consent_id, now=now, user=user)


def revoke_consent_of_anybody(*, consent_id: UUID, now: datetime, actor: str) -> bool:
    """An operator takes back a user's consent; False when it was revoked before.

    Raises: ConsentUnknown.
    """
    revoked = _revoke(consent_id, now=now, operator=actor)
    if not revoked and not ConsentGrant.objects.filter(pk=consent_id).exists():
        raise ConsentUnknown
    return revoked


def _revoke(
    consent_id: UUID, *, now: datetime, user: User | None = None, operator: str = ""
) -> bool:
    """The client can do nothing more for this user at this resource; False when it could not.

    Nor can anybody who exchanged one of its tokens, or got a token because of this consent.
    Codes first: one that is being redeemed at this moment holds its row, so that its family is
    there to be ended when the next statement looks. One statement per table.

    Raises nothing for an id that is unknown, another user's, or revoked before.
    """
    whose = {} if user is None else {"user": user}
    with transaction.atomic():
        consent = (
            ConsentGrant.objects.select_for_update(of=("self",))
            .select_related("client", "resource")
            .filter(pk=consent_id, revoked_at=None, **whose)
            .first()
        )
        if consent is None:
            return False
        consent.revoked_at = now
        consent.save(update_fields=["revoked_at", "updated_at"])
        audience = view_of(consent.resource).uri
        AuthorizationCode.objects.filter(
            user=consent.user_id,
            application=consent.client,
            resource=audience,
            consumed_at=None,
            revoked_at=None,
        ).update(revoked_at=now)
        families = TokenFamily.objects.filter(
            user=consent.user_id, client=consent.client, resource=audience, revoked_at=None
        ).update(revoked_at=now, revoked_reason=CAUSE)
        issuances = revoke_resting_on(
            user_id=consent.user_id,
            client_pk=consent.client_id,
            audience=audience,
            cause=CAUSE,
            now=now,
        )
        record.record(
            ConsentGrantRevokedAdmin(
                actor_id=operator,
                client_id=consent.client.client_id,
                id=str(consent.pk),
                user_id=str(consent.user_id),
                resource_id=str(consent.resource_id),
                revoked_issuances=issuances,
                revoked_families=families,
            )
            if operator
            else ConsentRevoked(
                actor_id=str(consent.user_id),
                client_id=consent.client.client_id,
                resource=audience,
                revoked_issuances=issuances,
                revoked_families=families,
            )
        )
    return True
