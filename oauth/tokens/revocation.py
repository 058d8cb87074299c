"""End a token on request. Who may: its own client, or, without any credentials, its holder."""

from datetime import datetime

from django.db import transaction

from audit import events, record
from authplane.core.metrics import counter
from oauth.models import AccessToken, Client
from oauth.tokens.families import revoke_family
from oauth.tokens.ledger import revoke_access
from oauth.tokens.refresh import read_refresh
from oauth.tokens.verification import token_id, verify_access_token


def end_token(presented_token: str, *, client: Client | None, now: datetime) -> bool:
    """The token no longer works if it was one of ours and of this client; whether it was.

    With no client the token identifies its holder. A refresh token ends its whole family, used or
    not; an access token ends alone. Type hints are not needed: the two look different.

    Spec: RFC 7009 section 2.1.
    """
    stored = read_refresh(presented_token)
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
    return _end_access(presented_token, client=client, now=now)


def _end_access(presented_token: str, *, client: Client | None, now: datetime) -> bool:
    claims = verify_access_token(presented_token, now=now, expired_too=True)
    row_id = token_id(claims) if claims is not None else None
    if claims is None or row_id is None:
        return False
    row = AccessToken.objects.filter(pk=row_id).values("application_id", "user_id").first()
    if row is None or (client is not None and row["application_id"] != client.pk):
        return False
    with transaction.atomic():
        if not revoke_access(jti=row_id, cause="explicit", now=now):
            return False
        record.record(
            events.TokenRevoked(
                actor_id=str(row["user_id"] or claims["sub"]),
                client_id=str(claims["client_id"]),
                jti=str(row_id),
            )
        )
    is_machine = row["user_id"] is None
    counter("authserver_tokens_revoked_total").labels(
        "explicit_machine" if is_machine else "explicit"
    ).inc()
    return True
