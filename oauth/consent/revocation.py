"""Take back what was allowed, with everything that came of it."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from audit import record
from audit.events import ConsentRevoked
from authplane.accounts.models import User
from oauth.models import AuthorizationCode, ConsentGrant, TokenFamily
from oauth.resources.selectors import view_of
from oauth.tokens.descent import revoke_resting_on

CAUSE = "consent_revoked"


def revoke_consent(*, consent_id: UUID, user: User, now: datetime) -> bool:
    """The client can do nothing more for this user at this resource; False when it could not.

    Nor can anybody who exchanged one of its tokens, or got a token because of this consent.
    Codes first: one that is being redeemed at this moment holds its row, so that its family is
    there to be ended when the next statement looks. One statement per table.

    Raises nothing for an id that is unknown, another user's, or revoked before.
    """
    with transaction.atomic():
        consent = (
            ConsentGrant.objects.select_for_update(of=("self",))
            .select_related("client", "resource")
            .filter(pk=consent_id, user=user, revoked_at=None)
            .first()
        )
        if consent is None:
            return False
        consent.revoked_at = now
        consent.save(update_fields=["revoked_at", "updated_at"])
        audience = view_of(consent.resource).uri
        AuthorizationCode.objects.filter(
            user=user,
            application=consent.client,
            resource=audience,
            consumed_at=None,
            revoked_at=None,
        ).update(revoked_at=now)
        families = TokenFamily.objects.filter(
            user=user, client=consent.client, resource=audience, revoked_at=None
        ).update(revoked_at=now, revoked_reason=CAUSE)
        issuances = revoke_resting_on(
            user_id=user.pk,
            client_pk=consent.client_id,
            audience=audience,
            cause=CAUSE,
            now=now,
        )
        record.record(
            ConsentRevoked(
                actor_id=str(user.pk),
                client_id=consent.client.client_id,
                resource=audience,
                revoked_issuances=issuances,
                revoked_families=families,
            )
        )
    return True
