"""End a token on request. Who may: its own client, or, without any credentials, its holder."""

import uuid
from datetime import datetime

from django.db import transaction

from audit import events, record
from authplane.core.metrics import counter
from oauth.models import AccessToken, Client
from oauth.tokens.families import revoke_family
from oauth.tokens.ledger import revoke_access
from oauth.tokens.opaque import read_handle
from oauth.tokens.refresh import read_refresh
from oauth.tokens.verification import token_id, verify_access_token


def end_token(
    presented_token: str, *, client: Client | None, now: datetime, issuer: str = ""
) -> bool:
    """The token no longer works if it was one of this issuer and client; whether it was.

    With no client the token identifies its holder. A refresh token ends its whole family, used or
    not; an access token ends with what was exchanged from it. Type hints are not needed: the kinds
    look different.

    Spec: RFC 7009 section 2.1.
    """
    handle = read_handle(presented_token)
    if handle is not None and not issuer:
        return _end_access(handle.jti, client=client, now=now)
    stored = read_refresh(presented_token, issuer=issuer)
    if stored is not None:
        if client is not None and stored.client_pk != client.pk:
            return False
        owner = client or Client.objects.get(pk=stored.client_pk)
        ended = revoke_family(
            family_id=stored.family_id,
            cause="explicit",
            now=now,
            client_id=owner.client_id,
            actor_id=str(stored.user_id),
        )
        if ended:
            counter("authserver_tokens_revoked_total").labels("explicit").inc()
        return ended
    claims = verify_access_token(presented_token, now=now, expired_too=True, issuer=issuer)
    row_id = token_id(claims) if claims is not None else None
    return row_id is not None and _end_access(row_id, client=client, now=now)


def _end_access(row_id: uuid.UUID, *, client: Client | None, now: datetime) -> bool:
    row = (
        AccessToken.objects.filter(pk=row_id)
        .values("application_id", "user_id", "subject", "application__client_id")
        .first()
    )
    if row is None or (client is not None and row["application_id"] != client.pk):
        return False
    with transaction.atomic():
        if not revoke_access(jti=row_id, cause="explicit", now=now):
            return False
        record.record(
            events.TokenRevoked(
                actor_id=str(row["user_id"] or row["subject"]),
                client_id=row["application__client_id"] or "",
                jti=str(row_id),
            )
        )
    is_machine = row["user_id"] is None
    counter("authserver_tokens_revoked_total").labels(
        "explicit_machine" if is_machine else "explicit"
    ).inc()
    return True
