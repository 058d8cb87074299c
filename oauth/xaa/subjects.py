"""Whom an assertion is about: the user behind one of our own tokens, which the client holds."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from authplane.core.config import config
from oauth.errors import OAuthError, Reason
from oauth.models import Client
from oauth.tokens.opaque import read_access
from oauth.tokens.refresh import StoredRefresh, read_refresh

PREFIX: Final = "urn:ietf:params:oauth:token-type:"
REFRESH_TYPE: Final = f"{PREFIX}refresh_token"
ACCESS_TYPES: Final = (f"{PREFIX}access_token", f"{PREFIX}jwt")
EMAIL: Final = "email"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A signed-in user as one of our tokens tells of them.

    `expires` is when that token ends. `email` is empty unless the user allowed the client to
    know it. `jkt` and `certificate` are what the token is bound to.
    """

    user_id: uuid.UUID
    expires: datetime
    family_id: uuid.UUID | None = None
    parent: uuid.UUID | None = None
    email: str = ""
    jkt: str = ""
    certificate: str = ""
    auth_time: int | None = None
    acr: str = ""
    amr: tuple[str, ...] = ()


def read_subject(
    presented_token: str, *, token_type: str, client: Client, now: datetime
) -> Subject:
    """The user behind the subject token, which is the client's own and in force.

    A refresh token is looked at and not used: it stays good for its own grant.

    Spec: ID-JAG draft, "Processing Rules" of the token exchange; RFC 8693 section 2.1.
    Deviates: an ID token is not accepted, as none are issued here.
    Raises: OAuthError.
    """
    if token_type == REFRESH_TYPE:
        return _of_refresh(presented_token, client=client, now=now)
    if token_type in ACCESS_TYPES:
        return _of_access(presented_token, client=client, now=now)
    raise OAuthError(Reason.SUBJECT_TOKEN_TYPE)


def require_held(subject: Subject, *, jkt: str, certificate: str) -> None:
    """Whoever presents the subject token has proved to hold what it is bound to.

    Raises: OAuthError(SUBJECT_TOKEN_KEY).
    """
    if subject.jkt and subject.jkt != jkt:
        raise OAuthError(Reason.SUBJECT_TOKEN_KEY)
    if subject.certificate and subject.certificate != certificate:
        raise OAuthError(Reason.SUBJECT_TOKEN_KEY)


def _of_refresh(presented_token: str, *, client: Client, now: datetime) -> Subject:
    """A used refresh token is refused here and nothing more; only its own grant ends a family."""
    stored = read_refresh(presented_token)
    if stored is None or stored.client_pk != client.pk:
        raise OAuthError(Reason.SUBJECT_TOKEN_INVALID)
    if not _is_live(stored, now=now):
        raise OAuthError(Reason.SUBJECT_TOKEN_REVOKED)
    return Subject(
        user_id=stored.user_id,
        expires=min(stored.expires, stored.family_expires_at),
        family_id=stored.family_id,
        email=stored.username if EMAIL in stored.scope.split() else "",
        jkt=stored.dpop_jkt,
        auth_time=int(stored.auth_time.timestamp()),
        acr=stored.acr,
        amr=stored.amr,
    )


def _is_live(stored: StoredRefresh, *, now: datetime) -> bool:
    return (
        stored.consumed_at is None
        and stored.family_revoked_at is None
        and min(stored.expires, stored.family_expires_at) > now
        and stored.user_is_active
        and stored.client_is_active
    )


def _of_access(presented_token: str, *, client: Client, now: datetime) -> Subject:
    """An access token for this server itself: it says who signed in, and gives access to nobody.

    One that was exchanged is refused: the assertion has no place for who acts for the user, and
    leaving that out would turn a delegate into the user.
    """
    resolved = read_access(presented_token, now=now)
    if resolved is None or resolved.claims["client_id"] != client.client_id:
        raise OAuthError(Reason.SUBJECT_TOKEN_INVALID)
    claims, standing = resolved.claims, resolved.standing
    if claims["aud"] not in (config().server.issuer, [config().server.issuer]) or "act" in claims:
        raise OAuthError(Reason.SUBJECT_TOKEN_INVALID)
    if standing.user_id is None or standing.actors:
        raise OAuthError(Reason.SUBJECT_TOKEN_INVALID)
    if not standing.is_live or standing.application_id != client.pk:
        raise OAuthError(Reason.SUBJECT_TOKEN_REVOKED)
    bound = claims.get("cnf", {})
    return Subject(
        user_id=standing.user_id,
        expires=datetime.fromtimestamp(claims["exp"], tz=UTC),
        parent=standing.jti,
        email=standing.username if EMAIL in str(claims.get("scope", "")).split() else "",
        jkt=bound.get("jkt", ""),
        certificate=bound.get("x5t#S256", ""),
        auth_time=claims.get("auth_time"),
        acr=claims.get("acr", ""),
        amr=tuple(claims.get("amr", ())),
    )
