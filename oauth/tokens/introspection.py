"""What an introspection answers: active or not, and to whom we say so.

A stranger's answer is the same as for a token that does not exist: introspection must not become
a way to try out stolen tokens.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from django.db import connection

from audit import events, record
from audit.registry import Event
from authplane.core.config import config
from oauth.issuers import issuer_url
from oauth.models import Client
from oauth.projects import in_force
from oauth.resources.rules import ends_nothing, grant_is_allowed
from oauth.resources.selectors import resource_of_audience
from oauth.resources.view import ResourceView
from oauth.tokens.opaque import Handle, read_handle, resolve
from oauth.tokens.refresh import StoredRefresh, read_refresh
from oauth.tokens.standing import Standing, read_and_tell, read_standing
from oauth.tokens.verification import is_in_force, token_id, verify_access_token

INACTIVE: Final[dict[str, Any]] = {"active": False}
_COPIED: Final = (
    "client_id", "sub", "iss", "exp", "iat", "nbf", "jti", "cnf", "agent_id",
    "auth_time", "acr", "amr",
)  # fmt: skip
_PROJECTS: Final = "granted_project_uuids"


@dataclass(frozen=True, slots=True)
class Introspected:
    """The answer's members and, for the record, why the token is not active.

    `is_recorded`: the statement that read it has told the record that it is active.
    """

    members: dict[str, Any]
    jti: str = ""
    issuing_client: str = ""
    denied_because: str = ""
    is_recorded: bool = False


def introspect(presented_token: str, *, caller: Client, now: datetime) -> Introspected:
    """The token's state as this caller may know it. At most one statement per kind of token.

    One more for a token that names projects: those that the user removed are not listed.

    Spec: RFC 7662 section 2.2.
    """
    handle = read_handle(presented_token)
    if handle is not None and not caller.issuer:
        return _introspect_handle(handle, caller=caller, now=now)
    claims = verify_access_token(presented_token, now=now, issuer=caller.issuer)
    if claims is None:
        return _introspect_refresh(presented_token, caller=caller, now=now)
    jti, owner = str(claims["jti"]), str(claims["client_id"])
    if not _may_know(claims, caller=caller):
        return Introspected(INACTIVE, jti, owner, "caller_not_authorized_for_token")
    row_id = token_id(claims)
    if row_id is None:
        return _judge(claims, standing=None)
    if connection.vendor != "postgresql" or not ends_nothing(_resource_of(claims)):
        return _judge(claims, standing=read_standing(row_id))
    told = record.prepare(active_event(caller, jti=jti, owner=owner))
    standing, is_recorded = read_and_tell(row_id, told=told)
    if is_recorded:
        record.announce(told)
    return replace(_judge(claims, standing=standing), is_recorded=is_recorded)


def active_event(caller: Client, *, jti: str, owner: str) -> Event:
    """What the record is told of an active token: who asked, and whose it is."""
    return events.TokenIntrospected(client_id=caller.client_id, jti=jti, issuing_client=owner)


def _introspect_handle(handle: Handle, *, caller: Client, now: datetime) -> Introspected:
    """An opaque access token: what it stands for is judged as the JWT would be."""
    found = resolve(handle)
    if found is None or not is_in_force(found.claims, now=now):
        return Introspected(INACTIVE, str(handle.jti), denied_because="invalid_token")
    if not _may_know(found.claims, caller=caller):
        owner = str(found.claims["client_id"])
        return Introspected(INACTIVE, str(handle.jti), owner, "caller_not_authorized_for_token")
    return _judge(found.claims, standing=found.standing)


def _judge(claims: dict[str, Any], *, standing: Standing | None) -> Introspected:
    jti, owner = str(claims["jti"]), str(claims["client_id"])
    if standing is None:
        return Introspected(INACTIVE, jti, owner, "invalid_token")
    if not standing.is_live:
        return Introspected(INACTIVE, jti, owner, standing.ended_because)
    return Introspected(_access_members(claims, standing=standing), jti, owner)


def _may_know(claims: dict[str, Any], *, caller: Client) -> bool:
    """The caller obtained the token, or acts as the resource it is for."""
    if claims["client_id"] == caller.client_id:
        return True
    if caller.issuer:
        # Resources name clients of this server alone as theirs.
        return False
    if _audience(claims) == config().server.issuer:
        return False
    resource = _resource_of(claims)
    return resource is not None and caller.client_id in resource.runtime_client_ids


def _audience(claims: dict[str, Any]) -> str:
    """Our tokens are for one resource, whichever way that is written."""
    audience = claims["aud"]
    return str(audience[0] if isinstance(audience, list) else audience)


def _resource_of(claims: dict[str, Any]) -> ResourceView | None:
    return resource_of_audience(_audience(claims))


def _access_members(claims: dict[str, Any], *, standing: Standing) -> dict[str, Any]:
    members: dict[str, Any] = {"active": True}
    if claims.get("scope"):
        members["scope"] = claims["scope"]
    members |= {name: claims[name] for name in _COPIED if name in claims}
    members["aud"] = _audience(claims)
    members["token_type"] = "DPoP" if "jkt" in claims.get("cnf", {}) else "Bearer"
    if standing.username:
        members["username"] = standing.username
    if standing.actors:
        members["act"] = standing.actors
    if "projects" in claims:
        members[_PROJECTS] = list(in_force(standing.user_id, claims["projects"]) or ())
    if "agent_chain" in claims:
        members["agent_chain"] = claims["agent_chain"]
    return members


def _introspect_refresh(presented_token: str, *, caller: Client, now: datetime) -> Introspected:
    """A refresh token, which only its own client may ask about."""
    stored = read_refresh(presented_token, issuer=caller.issuer)
    if stored is None:
        return Introspected(INACTIVE, denied_because="invalid_token")
    if stored.client_pk != caller.pk:
        return Introspected(INACTIVE, denied_because="caller_not_authorized_for_token")
    if not _refresh_is_live(stored, now=now):
        return Introspected(
            INACTIVE, issuing_client=caller.client_id, denied_because="token_revoked"
        )
    if not grant_is_allowed(resource_of_audience(stored.resource), grant_type="refresh_token"):
        return Introspected(
            INACTIVE, issuing_client=caller.client_id, denied_because="resource_policy"
        )
    members: dict[str, Any] = {"active": True}
    if stored.scope:
        members["scope"] = stored.scope
    members |= {
        "client_id": caller.client_id,
        "sub": str(stored.user_id),
        "iss": issuer_url(caller.issuer),
        "aud": stored.resource,
        "exp": int(stored.expires.timestamp()),
        "iat": int(stored.created.timestamp()),
        "token_type": "refresh_token",
    }
    if stored.username:
        members["username"] = stored.username
    if stored.projects:
        members[_PROJECTS] = list(in_force(stored.user_id, stored.projects) or ())
    return Introspected(members, issuing_client=caller.client_id)


def _refresh_is_live(stored: StoredRefresh, *, now: datetime) -> bool:
    return (
        stored.consumed_at is None
        and stored.family_revoked_at is None
        and stored.expires > now
        and stored.user_is_active
        and stored.client_is_active
    )
