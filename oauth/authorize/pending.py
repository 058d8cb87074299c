"""Authorization requests that wait for the user's answer: begun after sign-in, decided once."""

import re
from datetime import datetime, timedelta
from typing import Final

from authplane.accounts.models import User
from authplane.core.config import config
from oauth.models import AuthorizationCode, AuthorizationRequest

# A double click sends the form twice and shows only the second answer. Repeating the answer for
# this long keeps such a user from standing on an error page while the client waits.
REPEAT_WINDOW: Final = timedelta(seconds=10)

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9_-]{43}")


def begin(draft: AuthorizationRequest, *, started: datetime) -> AuthorizationRequest:
    """The request waits for its answer until sign-in and consent together had their time."""
    draft.expires_at = started + timedelta(seconds=config().tokens.sign_in_ttl)
    draft.save(force_insert=True)
    return draft


def find_owned(
    request_id: str, *, user: User, now: datetime, issuer: str = ""
) -> AuthorizationRequest | None:
    """The request of this user, decided or not; None when unknown, expired or another user's.

    So is a request to another issuer than `issuer`, which is a key.

    The three look alike on purpose: an id learned from somebody else's screen reveals nothing.
    """
    if not _REQUEST_ID.fullmatch(request_id):
        return None
    return (
        AuthorizationRequest.objects.select_related("client")
        .filter(id=request_id, user=user, issuer=issuer, expires_at__gt=now)
        .first()
    )


def claim(waiting: AuthorizationRequest, *, now: datetime) -> bool:
    """This caller, and no other, may decide the request.

    One conditional update is the whole guard, so that it holds on every database: of two posts
    at once the second finds nothing left to update. Undone when the transaction fails.
    """
    claimed = AuthorizationRequest.objects.filter(
        id=waiting.id, decided_at=None, expires_at__gt=now
    ).update(decided_at=now)
    return claimed == 1


def was_just_decided(waiting: AuthorizationRequest, *, now: datetime) -> bool:
    """The request was decided so short ago that this post repeats the one that decided it."""
    return AuthorizationRequest.objects.filter(
        id=waiting.id, decided_at__gt=now - REPEAT_WINDOW
    ).exists()


def withdraw_unspent_code(decided: AuthorizationRequest, *, now: datetime) -> bool:
    """The code of an allowed request is withdrawn; False when there is none or it was used.

    The challenge identifies the request: it is the digest of a verifier made for it alone. A code
    that is being redeemed at this moment is either spent first, and stays, or withdrawn first.
    """
    withdrawn: int = AuthorizationCode.objects.filter(
        user_id=decided.user_id,
        application_id=decided.client_id,
        code_challenge=decided.code_challenge,
        redirect_uri=decided.redirect_uri,
        consumed_at=None,
        revoked_at=None,
        expires__gt=now,
    ).update(revoked_at=now)
    return withdrawn == 1


def was_allowed(decided: AuthorizationRequest) -> bool:
    """A code was issued for the request, whatever became of it."""
    issued: bool = AuthorizationCode.objects.filter(
        user_id=decided.user_id,
        application_id=decided.client_id,
        code_challenge=decided.code_challenge,
    ).exists()
    return issued
