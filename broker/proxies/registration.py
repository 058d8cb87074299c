"""Clients register themselves at a proxy (RFC 7591)."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.db import transaction

from audit import record
from audit.events import ClientRegistered
from authplane.core.metrics import counter
from broker.proxies.patterns import is_allowed
from broker.proxies.selectors import Proxy
from oauth.clients import lookup
from oauth.clients.policy import SECRET_METHODS, USER_GRANTS
from oauth.clients.records import fields_of
from oauth.clients.secrets import digest_secret
from oauth.errors import OAuthError
from oauth.models import Client
from oauth.registration import approval
from oauth.registration.rules import Rules
from oauth.registration.schema import BadMetadata, Metadata, Problem, read_metadata
from oauth.resources.scopes import parse_scope

METHODS: Final = ("none", "client_secret_basic", "client_secret_post")
DEFAULT_METHOD: Final = "client_secret_post"
UNNAMED: Final = "An application without a name"
URIS: Final = "redirect_uris"
READ: Final = frozenset({
    "redirect_uris", "client_name", "client_uri", "logo_uri", "tos_uri", "policy_uri",
    "token_endpoint_auth_method", "grant_types", "response_types", "application_type",
    "software_id", "software_version",
})  # fmt: skip
"""Members that mean something here. The others are ignored (RFC 7591 section 2)."""
RULES: Final = Rules(auth_methods=METHODS, any_private_scheme=True)


@dataclass(frozen=True, slots=True)
class Registered:
    """A new client, and its secret, which nobody can read again; None for a public one."""

    client: Client
    secret: str | None


def register_client(proxy: Proxy, document: Mapping[str, Any]) -> Registered:
    """A new client of the proxy. Nothing is written unless every rule holds.

    Raises: BadMetadata.
    """
    metadata = _read(proxy, document)
    secret = _new_secret() if metadata.auth_method in SECRET_METHODS else None
    client = Client(
        **fields_of(metadata),
        issuer=proxy.key,
        client_id=f"gateway_{secrets.token_hex(8)}",
        scope=_ceiling(proxy, document.get("scope")),
        client_secret=digest_secret(secret) if secret else "",
        status=approval.initial_status(Client.Source.DCR),
        registration_source=Client.Source.DCR,
    )
    with transaction.atomic():
        client.save(force_insert=True)
        record.record(ClientRegistered(client_id=client.client_id, source=Client.Source.DCR))
        approval.begin_if_pending(client)
    lookup.drop(client.client_id, issuer=proxy.key)
    counter("authserver_clients_registered_total").labels(source=Client.Source.DCR).inc()
    return Registered(client, secret)


def client_information(proxy: Proxy, registered: Registered) -> dict[str, Any]:
    """What the client is told (RFC 7591 section 3.2.1). The last two members are no standard's."""
    client = registered.client
    members: dict[str, Any] = {"client_id": client.client_id}
    if registered.secret is not None:
        members["client_secret"] = registered.secret
    members["client_id_issued_at"] = int(client.created.timestamp())
    if registered.secret is not None:
        members["client_secret_expires_at"] = 0
    members |= {
        "client_name": client.name,
        "redirect_uris": client.redirect_uri_list,
        "token_endpoint_auth_method": client.token_endpoint_auth_method,
        "grant_types": client.grant_types,
        "response_types": client.response_types,
        "scope": client.scope or " ".join(proxy.scopes),
        "authorization_url": f"{proxy.issuer}/authorize",
        "token_url": f"{proxy.issuer}/token",
    }
    return {name: value for name, value in members.items() if value != ""}


def _new_secret() -> str:
    return f"gw_secret_{secrets.token_hex(32)}"


def _read(proxy: Proxy, document: Mapping[str, Any]) -> Metadata:
    """The metadata, with what proxies add to the rules.

    Raises: BadMetadata with every problem.
    """
    known = {name: document[name] for name in READ & document.keys()}
    known["client_name"] = known.get("client_name") or UNNAMED
    known["token_endpoint_auth_method"] = known.get("token_endpoint_auth_method") or DEFAULT_METHOD
    try:
        metadata = read_metadata(known, rules=RULES)
    except BadMetadata as bad:
        raise BadMetadata([*bad.problems, *_problems_of(proxy, known)]) from None
    problems = _problems_of(proxy, known)
    if problems:
        raise BadMetadata(problems)
    return metadata


def _problems_of(proxy: Proxy, known: Mapping[str, Any]) -> list[Problem]:
    problems: list[Problem] = []
    if not all(is_allowed(uri, patterns=proxy.allowed_redirects) for uri in _texts(known, URIS)):
        problems.append(Problem("a redirect URI is not on the list of this proxy", True))
    if not USER_GRANTS.issuperset(_texts(known, "grant_types")):
        problems.append(Problem("grant_types names a grant type that is not offered here"))
    return problems


def _texts(known: Mapping[str, Any], name: str) -> list[str]:
    value = known.get(name)
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _ceiling(proxy: Proxy, scope: Any) -> str:
    """The scopes that the client named, of those there are; none named means no ceiling.

    Spec: RFC 7591 section 2 (the server may replace what a client asks for).
    Raises: BadMetadata.
    """
    malformed = Problem("scope must be scope names separated by single spaces")
    try:
        names = parse_scope(scope if isinstance(scope, str | None) else "\x00")
    except OAuthError:
        raise BadMetadata([malformed]) from None
    return " ".join(name for name in names if name in proxy.scopes)
