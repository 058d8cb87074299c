"""What the body of each operation may hold, and how each member is said on a command line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from rest_framework import serializers

from admin_api.commands.catalogue import Command
from admin_api.schemas.configuration import SECTIONS
from admin_api.serializers.strict import Secret
from broker.connections import provisioning
from broker.keys import groups
from broker.keys import services as api_keys
from broker.providers import services as providers
from broker.proxies import body as proxies
from broker.servers import services as servers
from broker.signin import body as sign_in
from oauth.clients import services as clients
from oauth.federation import body as workloads
from oauth.registration import approval_rules
from oauth.registration.security import SECURITY_MEMBERS
from oauth.resources import body as resources
from oauth.resources.policy_body import RULES
from oauth.xaa import audience_services, mappings, policies
from oauth.xaa import providers as idps

TEXT, FLAG, NUMBER, LIST, JSON = "text", "flag", "number", "list", "json"
SECRET, SCOPES = "secret", "scopes"
VERSION: Final = "version"


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a body. `choices` are all that it may be; empty: whatever the service takes."""

    name: str
    kind: str = TEXT
    help: str = ""
    choices: tuple[str, ...] = ()
    required: bool = False


_CLIENT: Final = (
    "client_name", "redirect_uris", "grant_types", "response_types", "token_endpoint_auth_method",
    "scope", "agent", "agent_description", "jwks", "jwks_uri", "token_endpoint_auth_signing_alg",
    "application_type", *SECURITY_MEMBERS,
)  # fmt: skip

BODIES: Final[dict[tuple[str, str], tuple[str, ...]]] = {
    ("Clients", "create"): _CLIENT,
    ("Clients", "change"): (*clients.EDITABLE, "scope"),
    ("Resources", "create"): resources.MEMBERS,
    ("Resources", "change"): resources.MEMBERS,
    ("PolicyRules", "change"): tuple(RULES),
    ("BrokerProviders", "create"): providers.MEMBERS,
    ("BrokerProviders", "change"): providers.MEMBERS,
    ("Connections", "create"): provisioning.MEMBERS,
    ("ApiKeys", "create"): api_keys.NEW,
    ("ApiKeys", "change"): api_keys.CHANGEABLE,
    ("AccessGroups", "create"): groups.MEMBERS,
    ("AccessGroups", "change"): groups.MEMBERS,
    ("IdentityProviders", "create"): sign_in.MEMBERS,
    ("IdentityProviders", "change"): (*sign_in.MEMBERS, VERSION),
    ("Identities", "create"): ("subject", "user_id"),
    ("OAuthProxies", "create"): proxies.MEMBERS,
    ("OAuthProxies", "change"): (*proxies.MEMBERS, VERSION),
    ("McpServers", "create"): ("user", *servers.MEMBERS),
    ("Fronting", "create"): ("source", "target", "scope_map"),
    ("Fronting", "change"): ("scope_map",),
    ("IdPs", "create"): idps.MEMBERS,
    ("IdPs", "change"): ("name", "enabled"),
    ("XAAPolicies", "create"): policies.MEMBERS,
    ("XAAPolicies", "change"): policies.CHANGEABLE,
    ("SubjectMappings", "create"): mappings.MEMBERS,
    ("WorkloadIssuers", "create"): workloads.MEMBERS,
    ("WorkloadIssuers", "change"): workloads.CHANGEABLE,
    ("ApprovalSettings", "change"): approval_rules.MEMBERS,
    ("Configuration", "apply"): ("format", "secrets_left_out", "settings", *SECTIONS),
    ("WorkloadIssuers", "test"): ("subject", "claims"),
    ("AssertionAudiences", "create"): audience_services.MEMBERS,
    ("AssertionAudiences", "change"): audience_services.CHANGEABLE,
}
"""Members of the bodies that a service reads, as the service names them."""

FLAGS: Final = frozenset({
    "enabled", "agent", "include_groups_scope", "require_consent", "immediate", "withdraw",
    "tls_client_certificate_bound_access_tokens", "dpop_bound_access_tokens",
    "require_pushed_authorization_requests", "require_signed_request_object",
})  # fmt: skip
LISTS: Final = frozenset({
    "redirect_uris", "grant_types", "response_types", "client_ids", "resources", "scopes",
    "allowed_redirects", "allowed_domains",
})  # fmt: skip
DOCUMENTS: Final = frozenset({
    "jwks", "policy", "config_data", "config", "scope_map", "rules", "remote_client_ids", "claims",
    "proxy_access", "role_map", "modes",
})  # fmt: skip
NUMBERS: Final = frozenset({"expires_in_days", "token_lifetime", "dcr", "cimd", VERSION})
SECRETS: Final = frozenset({"secret", "api_key", "password"})


def members(command: Command) -> list[Member]:
    """What the body of the command's operation may hold; empty where it takes none."""
    if command.operation.reads is not None:
        return list(_of_serializer(command.operation.reads))
    names = BODIES.get((command.view.__name__, command.action), ())
    return [Member(name, kind=_kind(command, name)) for name in dict.fromkeys(names)]


def _kind(command: Command, name: str) -> str:
    if name == "scopes" and command.view.__name__ == "Resources":
        return SCOPES
    if command.view.__name__ == "Configuration":
        return NUMBER if name == "format" else JSON
    for kind, names in (
        (FLAG, FLAGS), (LIST, LISTS), (JSON, DOCUMENTS), (NUMBER, NUMBERS), (SECRET, SECRETS),
    ):  # fmt: skip
        if name in names:
            return kind
    return TEXT


def _of_serializer(reader: type[serializers.BaseSerializer[Any]]) -> Iterator[Member]:
    """The members as the serializer declares them."""
    for name, field in getattr(reader(), "fields", {}).items():
        if field.read_only:
            continue
        choices = tuple(map(str, getattr(field, "choices", ()) or ()))
        yield Member(
            name, kind=_field_kind(field), help=str(field.help_text or ""), choices=choices,
            required=bool(field.required),
        )  # fmt: skip


def _field_kind(field: Any) -> str:
    if isinstance(field, Secret):
        return SECRET
    if isinstance(field, serializers.BooleanField):
        return FLAG
    if isinstance(field, serializers.IntegerField):
        return NUMBER
    if isinstance(field, serializers.ListField | serializers.MultipleChoiceField):
        child = getattr(field, "child", None)
        return LIST if child is None or isinstance(child, serializers.CharField) else JSON
    if isinstance(
        field, serializers.DictField | serializers.JSONField | serializers.BaseSerializer
    ):
        return JSON
    return TEXT
