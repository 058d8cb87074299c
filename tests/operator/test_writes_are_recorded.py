"""Each write of the operator API, done once: the record tells what its route says it would."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest

from admin_api.operations import described, routed
from audit.models import AuditEvent
from authplane.accounts.models import User
from oauth.models import Client, ConsentGrant
from tests.support.factories import make_client, make_confidential_client, make_resource, make_user
from tests.support.gateway import make_proxy
from tests.support.lineage import issue
from tests.support.published import internet, key_set, signing_key

PASSWORD = "a long enough passphrase"
RETURN = "https://app.example.com/done"
ISSUER = "https://idp.example.com"
JWKS = f"{ISSUER}/jwks"
WORKLOADS = "https://cluster.example.com"


class World:
    """What the writes are about. Everything is made when it is asked for."""

    def __init__(self, operator: Any) -> None:
        self.operator = operator

    def made(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """What a create answers."""
        answer = self.operator.post(path, body)
        assert answer.status_code == 201, answer.content
        return answer.json()

    def user(self) -> str:
        return str(make_user().pk)

    def client(self) -> str:
        return make_confidential_client().row.client_id

    def resource(self, **members: Any) -> Any:
        return make_resource(**members)

    def provider(self, **members: Any) -> dict[str, Any]:
        body = {"slug": "forge", "preset": "github", "config_data": {"client_id": "c"},
                "secret": "hush-hush-4712"}  # fmt: skip
        return self.made("/admin/broker-providers", body | members)

    def brokered(self) -> str:
        self.provider()
        body = {"slug": "files", "backend_kind": "broker", "broker_provider_slug": "forge",
                "scopes": [{"name": "read"}]}  # fmt: skip
        return str(self.made("/admin/resources", body)["slug"])

    def token(self) -> str:
        return str(issue(make_client(), resource=make_resource().uri).jti)

    def consent(self) -> str:
        row = ConsentGrant.objects.create(
            user=make_user(), client=make_client(), resource=make_resource(), scopes=["read"]
        )
        return str(row.pk)

    def connection_body(self) -> dict[str, Any]:
        body = {"slug": "maps", "display_name": "Maps", "protocol": "api_key",
                "config_data": {"header_name": "X-Key"}}  # fmt: skip
        self.made("/admin/broker-providers", body)
        return {"user": make_user().email, "provider": "maps", "api_key": "pasted-key-4711"}

    def connection(self) -> str:
        return str(self.made("/admin/connections", self.connection_body())["id"])

    def group_body(self) -> dict[str, Any]:
        access = [{"proxy": make_proxy().slug, "requests_per_minute": 60}]
        return {"name": "builders", "proxy_access": access}

    def group(self) -> str:
        return str(self.made("/admin/access-groups", self.group_body())["id"])

    def key_body(self) -> dict[str, Any]:
        return {"name": "ci", "user_id": self.user(), "user_group_id": self.group()}

    def key(self) -> str:
        return str(self.made("/admin/api-keys", self.key_body())["id"])

    def sign_in_body(self) -> dict[str, Any]:
        return {"slug": "acme", "display_name": "Acme", "issuer": "https://acme.example.com",
                "client_id": "us", "secret": "hush-hush-4712"}  # fmt: skip

    def sign_in(self) -> str:
        return str(self.made("/admin/identity-providers", self.sign_in_body())["id"])

    def identity(self) -> str:
        path = f"/admin/identity-providers/{self.sign_in()}/identities"
        made = self.made(path, {"subject": "ada", "user_id": self.user()})
        return f"{path}/{made['id']}"

    def proxy_body(self) -> dict[str, Any]:
        self.provider()
        return {"slug": "gate", "name": "Gate", "provider": "forge", "scopes": ["read"],
                "target_url": "https://mcp.example.com/forge",
                "allowed_redirects": ["https://app.example.com/callback"]}  # fmt: skip

    def proxy(self) -> str:
        return str(self.made("/admin/oauth-proxies", self.proxy_body())["id"])

    def server_body(self) -> dict[str, Any]:
        return {"user": make_user().email, "url": "https://mcp.example.com/mcp"}

    def server(self) -> str:
        return str(self.made("/admin/mcp-servers", self.server_body())["uuid"])

    def link_body(self) -> dict[str, Any]:
        self.resource(slug="gateway")
        self.resource(slug="files")
        return {"source": "gateway", "target": "files", "scope_map": {"read": ["read"]}}

    def link(self) -> str:
        made = self.made("/admin/fronting", self.link_body())
        return f"/admin/fronting/{made['source_slug']}/{made['target_slug']}"

    def idp_body(self) -> dict[str, Any]:
        return {"name": "Okta", "issuer": ISSUER, "jwks_uri": JWKS}

    def idp(self) -> str:
        return str(self.made("/admin/idps", self.idp_body())["id"])

    def policy(self) -> str:
        return str(self.made("/admin/xaa/policies", {"name": "p", "idp_id": self.idp()})["id"])

    def mapping_body(self) -> dict[str, Any]:
        return {"idp_id": self.idp(), "idp_subject": "ada"}

    def mapping(self) -> str:
        return str(self.made("/admin/xaa/subject-mappings", self.mapping_body())["id"])

    def workload_body(self, **members: Any) -> dict[str, Any]:
        return {"name": "c", "issuer": WORKLOADS, "audience": "https://auth.example.com",
                "jwks_uri": f"{WORKLOADS}/jwks", "rules": []} | members  # fmt: skip

    def workload(self) -> str:
        return str(self.made("/admin/workload-issuers", self.workload_body())["id"])

    def audience_body(self) -> dict[str, Any]:
        return {"name": "Chat", "audience": "https://as.chat.example.com"}

    def audience(self) -> str:
        return str(self.made("/admin/assertion-audiences", self.audience_body())["id"])

    def staff(self) -> str:
        made = self.made("/admin/staff", {"user_id": self.user(), "role": "viewer"})
        return str(made["user_id"])

    def admin_key(self) -> str:
        return str(self.made("/admin/admin-keys", {"name": "ann", "role": "viewer"})["id"])

    def disabled(self) -> str:
        return str(make_user(status=User.Status.DISABLED).pk)

    def suspended(self) -> str:
        return make_client(status=Client.Status.SUSPENDED).client_id


Step = Callable[[World], tuple[str, dict[str, Any] | None]]
POLICY = "/admin/resources/gateway/policy"


def _listed(world: World, kind: str) -> tuple[str, str]:
    """A list of a policy with a client on it, and that client."""
    world.resource(slug="gateway")
    client = world.client()
    path = f"{POLICY}/{kind}"
    assert world.operator.post(path, {"client_id": client}).status_code == 200
    return path, client


def _addition(world: World, kind: str) -> tuple[str, dict[str, Any]]:
    world.resource(slug="gateway")
    return f"{POLICY}/{kind}", {"client_id": world.client()}


def _removal(world: World, kind: str) -> tuple[str, None]:
    path, client = _listed(world, kind)
    return f"{path}/{client}", None


def _url(world: World, *, gone: bool) -> tuple[str, dict[str, Any] | None]:
    path = f"/admin/resources/{world.brokered()}/policy/connect/allowed-return-urls"
    if not gone:
        return path, {"url": RETURN}
    assert world.operator.post(path, {"url": RETURN}).status_code == 200
    return f"{path}?url={quote(RETURN, safe='')}", None


def _workload_change(world: World) -> tuple[str, dict[str, Any]]:
    return f"/admin/workload-issuers/{world.workload()}", {"enabled": False}


def _audience_change(world: World) -> tuple[str, dict[str, Any]]:
    return f"/admin/assertion-audiences/{world.audience()}", {"enabled": False}


WRITES: dict[str, Step] = {
    "Server.verify": lambda _: ("/admin/auth/verify", None),
    "Users.create": lambda _: ("/admin/users", {"email": "a@example.com", "password": PASSWORD}),
    "Users.change": lambda w: (f"/admin/users/{w.user()}", {"name": "Ada"}),
    "Users.remove": lambda w: (f"/admin/users/{w.user()}", None),
    "Users.disable": lambda w: (f"/admin/users/{w.user()}/disable", None),
    "Users.enable": lambda w: (f"/admin/users/{w.disabled()}/enable", None),
    "UserTokens.remove": lambda w: (f"/admin/users/{w.user()}/tokens", None),
    "Tokens.remove": lambda w: (f"/admin/tokens/{w.token()}", None),
    "Issuances.remove": lambda w: (f"/admin/issuances/{w.token()}", None),
    "ConsentGrants.remove": lambda w: (f"/admin/grants/consent/{w.consent()}", None),
    "SigningKeys.rotate": lambda _: ("/admin/keys/rotate", {"immediate": True}),
    "RegistrationSettings.change": lambda _: ("/admin/settings/dcr", {"mode": "admin_only"}),
    "LimitSettings.change": lambda _: ("/admin/settings/limits", {"request_burst": 9}),
    "NoticeSettings.change": lambda _: (
        "/admin/settings/notices",
        {"notices": [{"id": "m", "severity": "info", "title": "M", "body": "On Sunday."}]},
    ),
    "ApprovalSettings.change": lambda _: ("/admin/settings/approvals", {"dcr": 1}),
    "Resources.create": lambda _: (
        "/admin/resources",
        {"slug": "gateway", "backend_kind": "mint", "scopes": [{"name": "read"}]},
    ),
    "Resources.change": lambda w: (f"/admin/resources/{w.resource().pk}", {"display_name": "G"}),
    "Resources.remove": lambda w: (f"/admin/resources/{w.resource().pk}", None),
    "ExchangeClients.add": lambda w: _addition(w, "exchange/allowed-clients"),
    "ExchangeClients.remove": lambda w: _removal(w, "exchange/allowed-clients"),
    "RuntimeClients.add": lambda w: _addition(w, "runtime/client-ids"),
    "RuntimeClients.remove": lambda w: _removal(w, "runtime/client-ids"),
    "ReturnUrls.add": lambda w: _url(w, gone=False),
    "ReturnUrls.remove": lambda w: _url(w, gone=True),
    "PolicyRules.change": lambda w: (
        f"/admin/resources/{w.resource().slug}/policy/rules", {"dpop": "required"},
    ),
    "BrokerProviders.create": lambda _: (
        "/admin/broker-providers",
        {"slug": "maps", "display_name": "Maps", "protocol": "api_key",
         "config_data": {"header_name": "X-Key"}},
    ),
    "BrokerProviders.change": lambda w: (
        f"/admin/broker-providers/{w.provider()['id']}", {"display_name": "F"},
    ),
    "BrokerProviders.remove": lambda w: (f"/admin/broker-providers/{w.provider()['id']}", None),
    "Connections.create": lambda w: ("/admin/connections", w.connection_body()),
    "Connections.remove": lambda w: (f"/admin/connections/{w.connection()}", None),
    "BrokerGrants.remove": lambda w: (f"/admin/grants/broker/{w.connection()}", None),
    "ApiKeys.create": lambda w: ("/admin/api-keys", w.key_body()),
    "ApiKeys.change": lambda w: (f"/admin/api-keys/{w.key()}", {"name": "other"}),
    "ApiKeys.remove": lambda w: (f"/admin/api-keys/{w.key()}", None),
    "ApiKeys.revoke": lambda w: (f"/admin/api-keys/{w.key()}/revoke", None),
    "AccessGroups.create": lambda w: ("/admin/access-groups", w.group_body()),
    "AccessGroups.change": lambda w: (f"/admin/access-groups/{w.group()}", {"name": "other"}),
    "AccessGroups.remove": lambda w: (f"/admin/access-groups/{w.group()}", None),
    "AdminKeys.create": lambda _: ("/admin/admin-keys", {"name": "ann", "role": "viewer"}),
    "AdminKeys.revoke": lambda w: (f"/admin/admin-keys/{w.admin_key()}/revoke", None),
    "Staff.create": lambda w: ("/admin/staff", {"user_id": w.user(), "role": "viewer"}),
    "Staff.change": lambda w: (f"/admin/staff/{w.staff()}", {"role": "operator"}),
    "Staff.remove": lambda w: (f"/admin/staff/{w.staff()}", None),
    "IdentityProviders.create": lambda w: ("/admin/identity-providers", w.sign_in_body()),
    "IdentityProviders.change": lambda w: (
        f"/admin/identity-providers/{w.sign_in()}", {"display_name": "A"},
    ),
    "IdentityProviders.remove": lambda w: (f"/admin/identity-providers/{w.sign_in()}", None),
    "Identities.create": lambda w: (
        f"/admin/identity-providers/{w.sign_in()}/identities",
        {"subject": "ada", "user_id": w.user()},
    ),
    "Identities.remove": lambda w: (w.identity(), None),
    "OAuthProxies.create": lambda w: ("/admin/oauth-proxies", w.proxy_body()),
    "OAuthProxies.change": lambda w: (f"/admin/oauth-proxies/{w.proxy()}", {"name": "Other"}),
    "OAuthProxies.remove": lambda w: (f"/admin/oauth-proxies/{w.proxy()}", None),
    "ProxySessions.cleanup": lambda _: ("/admin/proxy-sessions/cleanup", None),
    "McpServers.create": lambda w: ("/admin/mcp-servers", w.server_body()),
    "McpServers.remove": lambda w: (f"/admin/mcp-servers/{w.server()}", None),
    "Fronting.create": lambda w: ("/admin/fronting", w.link_body()),
    "Fronting.change": lambda w: (w.link(), {"scope_map": {"write": ["write"]}}),
    "Fronting.remove": lambda w: (w.link(), None),
    "IdPs.create": lambda w: ("/admin/idps", w.idp_body()),
    "IdPs.change": lambda w: (f"/admin/idps/{w.idp()}", {"name": "Other"}),
    "IdPs.remove": lambda w: (f"/admin/idps/{w.idp()}", None),
    "IdPs.refresh_keys": lambda w: (f"/admin/idps/{w.idp()}/refresh-keys", None),
    "XAAPolicies.create": lambda w: ("/admin/xaa/policies", {"name": "p", "idp_id": w.idp()}),
    "XAAPolicies.change": lambda w: (f"/admin/xaa/policies/{w.policy()}", {"name": "q"}),
    "XAAPolicies.remove": lambda w: (f"/admin/xaa/policies/{w.policy()}", None),
    "SubjectMappings.create": lambda w: ("/admin/xaa/subject-mappings", w.mapping_body()),
    "SubjectMappings.remove": lambda w: (f"/admin/xaa/subject-mappings/{w.mapping()}", None),
    "WorkloadIssuers.create": lambda w: ("/admin/workload-issuers", w.workload_body()),
    "WorkloadIssuers.change": _workload_change,
    "WorkloadIssuers.remove": lambda w: (f"/admin/workload-issuers/{w.workload()}", None),
    "WorkloadIssuers.refresh_keys": lambda w: (
        f"/admin/workload-issuers/{w.workload()}/refresh-keys", None,
    ),
    "AssertionAudiences.create": lambda w: ("/admin/assertion-audiences", w.audience_body()),
    "AssertionAudiences.change": _audience_change,
    "AssertionAudiences.remove": lambda w: (f"/admin/assertion-audiences/{w.audience()}", None),
    "Configuration.apply": lambda _: (
        "/admin/configuration", {"format": 1, "resources": [{"slug": "files"}]},
    ),
    "Clients.create": lambda _: (
        "/admin/clients", {"client_name": "R", "redirect_uris": ["https://r.example.com/cb"]},
    ),
    "Clients.change": lambda w: (f"/admin/clients/{w.client()}", {"client_name": "Other"}),
    "Clients.suspend": lambda w: (f"/admin/clients/{w.client()}/suspend", None),
    "Clients.reactivate": lambda w: (f"/admin/clients/{w.suspended()}/reactivate", None),
    "Clients.revoke": lambda w: (f"/admin/clients/{w.client()}/revoke", None),
    "Clients.rotate_secret": lambda w: (f"/admin/clients/{w.client()}/rotate-secret", None),
    "Clients.remove": lambda w: (f"/admin/clients/{w.client()}", None),
}  # fmt: skip
ELSEWHERE = {
    "Approvals.create": "test_approvals.py",
    "Approvals.approve": "test_approvals.py",
    "Approvals.reject": "test_approvals.py",
    "ProxySessions.remove": "tests/spec/proxies/test_sessions.py",
}
"""What takes a story of its own to get at."""

ROUTES = [
    pytest.param(method, f"{view.__name__}.{action}", told.events, id=f"{method} {path}")
    for method, path, view, action in routed()
    if method != "GET"
    and (told := described(getattr(view, action)))
    and told.events
    and f"{view.__name__}.{action}" not in ELSEWHERE
]


@pytest.fixture
def world(operator, monkeypatch):
    with internet(monkeypatch) as reachable:
        reachable.publish("/jwks", key_set(signing_key()))
        yield World(operator)


@pytest.mark.parametrize(("method", "name", "events"), ROUTES)
def test_the_record_tells_what_the_route_says(world, method, name, events):
    path, body = WRITES[name](world)
    before = set(AuditEvent.objects.values_list("pk", flat=True))

    answer = world.operator.call(method, path, body)

    assert 200 <= answer.status_code < 300, answer.content
    told = AuditEvent.objects.exclude(pk__in=before)
    actions = set(told.values_list("action", flat=True))
    assert actions & set(events), actions
    assert set(told.filter(action__in=events).values_list("actor_id", flat=True)) == {"admin"}
    assert actions <= set(events), "the route names not all that it records"


def test_the_table_names_routes_that_exist():
    assert set(WRITES) == {param.values[1] for param in ROUTES}
