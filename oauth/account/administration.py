"""What an operator does to an account that reaches its tokens: sign it out, or remove it."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Final

from django.db import IntegrityError, transaction

from audit import record
from audit.erasure import erase_personal
from audit.events import UserDeleted, UserForceLogout
from authplane.accounts import services
from authplane.accounts.models import User
from authplane.core.metrics import counter
from oauth.tokens.administration import Ended, end_all_of_user, has_live_tokens

LOGGED_OUT: Final = "force_logout"
DELETED: Final = "user_deleted"
ATTEMPTS: Final = 3


class UserInUse(Exception):
    """The user holds tokens that still count."""

    def __init__(self) -> None:
        super().__init__("user has active tokens (use force=true)")


def force_logout(user_id: uuid.UUID, *, now: datetime, actor: str) -> Ended:
    """The user has to sign in again, in every browser and at every client; what was ended.

    Tokens exchanged from the user's count no more either, at whatever depth. Connections to
    upstream services stay.

    Raises: User.DoesNotExist.
    """
    with transaction.atomic():
        ended = end_all_of_user(user_id, cause=LOGGED_OUT, now=now)
        services.sign_out_everywhere(user_id=user_id, now=now)
        record.record(
            UserForceLogout(
                actor_id=actor,
                user=str(user_id),
                revoked=ended.families,
                revoked_issuances=ended.issuances,
            )
        )
    counter("authserver_tokens_revoked_total").labels("family_revocation").inc(ended.families)
    return ended


def delete_user(user_id: uuid.UUID, *, force: bool, now: datetime, actor: str) -> None:
    """The account is gone with its consents, authorizations, connections and identities.

    The ledger and the record keep their rows, which know the user by id alone; that id is never
    given to anybody else, and the addresses in the user's rows of the record are erased. What is
    issued for the user at this very moment makes the database refuse the deletion; it is then done
    again.

    Raises: User.DoesNotExist; UserInUse when the user holds live tokens and this is not forced.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with transaction.atomic():
                _delete(user_id, force=force, now=now, actor=actor)
        except IntegrityError:
            if attempt == ATTEMPTS:
                raise
        else:
            # After the deletion: of a long record, more rows than its transaction should hold.
            erase_personal(str(user_id), actor=actor)
            return


def _delete(user_id: uuid.UUID, *, force: bool, now: datetime, actor: str) -> None:
    user = User.objects.get(pk=user_id)
    if not force and has_live_tokens(user_id, now=now):
        raise UserInUse
    ended = end_all_of_user(user_id, cause=DELETED, now=now)
    user.delete()
    record.record(
        UserDeleted(
            actor_id=actor,
            user=str(user_id),
            force=force,
            revoked_issuances=ended.issuances,
            revoked_families=ended.families,
        )
    )
