"""What an exchange rests on, asked step by step where one guarded statement cannot be."""

import uuid
from collections.abc import Sequence

from oauth.models import Client, ConsentGrant
from oauth.tokens.standing import read_standing


def still_good(
    *, acting: uuid.UUID, parent: uuid.UUID, consented_at: uuid.UUID | None, scopes: Sequence[str]
) -> bool:
    """The subject token counts, the acting client is active, the consent covers the scopes.

    Must run inside the transaction that records the token.
    """
    standing = read_standing(parent)
    if standing is None or not standing.is_live:
        return False
    if not Client.objects.filter(pk=acting, status=Client.Status.ACTIVE).exists():
        return False
    if consented_at is None:
        return True
    if standing.user_id is None or standing.application_id is None:
        return False
    consents = ConsentGrant.objects.filter(
        user_id=standing.user_id,
        client_id=standing.application_id,
        resource_id=consented_at,
        revoked_at=None,
    ).values_list("scopes", flat=True)
    return any(set(scopes) <= set(allowed) for allowed in consents)
