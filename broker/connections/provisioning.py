"""Connections that an operator makes for a user, or ends: service accounts, keys, any of them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, Final

from django.db import transaction

from authplane.accounts.models import User
from authplane.accounts.selectors import find_by_email, find_user
from authplane.core import clock
from broker.connections.errors import BadConnection, ConnectionConflict, NoSuchConnection
from broker.connections.services import revoke, store_secret
from broker.errors import SecretUnavailable
from broker.models import BrokerProvider, Connection
from broker.providers.configuration import SECRET_NAME
from broker.providers.secrets import referred_secret
from oauth.resources.errors import Problem
from oauth.resources.selectors import directory

BY_OPERATOR: Final = "operator"
USER, PROVIDER, KEY, KEY_REF = "user", "provider", "api_key", "api_key_ref"
ACCOUNT, SCOPES = "impersonate_sub", "scopes"
MEMBERS: Final = (USER, PROVIDER, KEY, KEY_REF, ACCOUNT, SCOPES)
OF_PROTOCOL: Final[Mapping[str, tuple[str, ...]]] = {
    BrokerProvider.Protocol.API_KEY.value: (KEY, KEY_REF),
    BrokerProvider.Protocol.SERVICE_ACCOUNT.value: (ACCOUNT, SCOPES),
}
"""What a connection to a provider of this protocol is made of, besides whose it is."""

MAX_TEXT: Final = 255
MAX_KEY: Final = 4096
MAX_SCOPES: Final = 100


def create_connection(body: Mapping[str, Any], *, actor: str = "system") -> Connection:
    """The user of `user` (an id or e-mail address) is connected to the provider of this slug.

    A service account acts as `impersonate_sub`, with `scopes` of the service, or with all that the
    resources of the provider know. A key is `api_key`, or where `api_key_ref` says.

    Raises: BadConnection, ConnectionConflict, CryptoError without a data key.
    """
    problems = [Problem(name, "is not a known member") for name in body if name not in MEMBERS]
    user, provider = named_user(body.get(USER)), named_provider(body.get(PROVIDER))
    if user is None:
        problems.append(Problem(USER, "is not the id or e-mail address of a user"))
    if provider is None:
        problems.append(Problem(PROVIDER, "is not the slug of a broker provider"))
    else:
        problems += _protocol_problems(body, provider.protocol)
    if user is None or provider is None or problems:
        raise BadConnection(problems)
    members = _members(body, protocol=provider.protocol)
    account, scopes = members.get(ACCOUNT, ""), _scopes(body, provider)
    with transaction.atomic():
        # Two operators at once: the second sees what the first made.
        User.objects.select_for_update().get(pk=user.pk)
        usable = Connection.objects.filter(user=user, provider=provider)
        if usable.exclude(status=Connection.Status.REVOKED).exists():
            raise ConnectionConflict("the user is connected to this provider already")
        made = store_secret(
            user_id=user.pk,
            provider_id=provider.pk,
            members=members,
            scopes=scopes,
            account=account,
            now=clock.now(),
            actor_id=actor,
        )
    made.provider = provider
    return made


def end_connection(key: uuid.UUID, *, actor: str = "system") -> None:
    """The connection cannot be used, and its service is told; ending it again does nothing.

    Raises: NoSuchConnection.
    """
    if not Connection.objects.filter(pk=key).exists():
        raise NoSuchConnection
    revoke(key, reason=BY_OPERATOR, now=clock.now(), actor_id=actor, by_operator=True)


def named_user(value: object) -> User | None:
    """The user with this e-mail address or id."""
    text = value.replace("\0", "") if isinstance(value, str) else ""
    return find_by_email(text) if "@" in text else find_user(text)


def named_provider(value: object) -> BrokerProvider | None:
    """The provider of this slug."""
    text = value.replace("\0", "") if isinstance(value, str) else ""
    return BrokerProvider.objects.filter(slug=text.lower()).first()


def _protocol_problems(body: Mapping[str, Any], protocol: str) -> list[Problem]:
    allowed = OF_PROTOCOL.get(protocol)
    if allowed is None:
        return [Problem(PROVIDER, "is one whose accounts users connect themselves")]
    beside = [name for name in (KEY, KEY_REF, ACCOUNT, SCOPES) if name not in allowed]
    problems = [
        Problem(name, "does not belong to this kind of provider") for name in beside if name in body
    ]
    if KEY in allowed:
        return problems + _key_problems(body)
    if not _is_text(body.get(ACCOUNT), longest=MAX_TEXT):
        problems.append(Problem(ACCOUNT, f"must be text of 1 to {MAX_TEXT} characters"))
    scopes = body.get(SCOPES, [])
    if not isinstance(scopes, list) or len(scopes) > MAX_SCOPES:
        return [*problems, Problem(SCOPES, f"must be a list of at most {MAX_SCOPES} scopes")]
    if not all(_is_text(scope, longest=MAX_TEXT) and " " not in scope for scope in scopes):
        problems.append(Problem(SCOPES, "must be names of scopes at the service"))
    return problems


def _key_problems(body: Mapping[str, Any]) -> list[Problem]:
    if (KEY in body) == (KEY_REF in body):
        return [Problem(KEY, f"or {KEY_REF} is required, and only one of them")]
    if KEY in body:
        good = _is_text(body[KEY], longest=MAX_KEY)
        return [] if good else [Problem(KEY, f"must be text of 1 to {MAX_KEY} characters")]
    reference = body[KEY_REF]
    if not isinstance(reference, str) or not SECRET_NAME.fullmatch(reference):
        return [Problem(KEY_REF, "must name a variable: CONNECTOR_... or AUTHPLANE_VAULT_...")]
    try:
        referred_secret(reference)
    except SecretUnavailable as error:
        return [Problem(KEY_REF, str(error))]
    return []


def _members(body: Mapping[str, Any], *, protocol: str) -> dict[str, str]:
    """What is sealed."""
    if protocol == BrokerProvider.Protocol.API_KEY:
        return {KEY: body[KEY] if KEY in body else referred_secret(body[KEY_REF])}
    return {ACCOUNT: body[ACCOUNT]}


def _scopes(body: Mapping[str, Any], provider: BrokerProvider) -> list[str]:
    if SCOPES in body or provider.protocol == BrokerProvider.Protocol.API_KEY:
        return list(body.get(SCOPES, ()))
    offered = (one for one in directory().resources if one.broker_provider == provider.pk)
    names = (one.upstream_scopes(scope.name for scope in one.scopes) for one in offered)
    return list(dict.fromkeys(name for known in names for name in known))


def _is_text(value: object, *, longest: int) -> bool:
    return isinstance(value, str) and 0 < len(value) <= longest and value.isprintable()
