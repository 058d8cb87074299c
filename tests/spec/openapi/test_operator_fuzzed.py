"""Every operation of the operator API, with requests that were made from its document."""

from __future__ import annotations

import os

import pytest

from admin_api.specification import operator_document
from broker.keys.groups import create_group
from broker.keys.services import create_key
from broker.models import IdentityProvider
from oauth.models import AssertionAudience, TrustedIdP, WorkloadIssuer, XAAPolicy
from tests.operator.conftest import KEY
from tests.support import factories
from tests.support.fuzzing import Fuzzer
from tests.support.gateway import make_proxy
from tests.support.servers import make_server

SECONDS = float(os.environ.get("AUTHPLANE_FUZZ_SECONDS", "25"))

pytestmark = pytest.mark.slow


@pytest.fixture
def real(db):
    """Ids of what there is, by where its routes begin."""
    user, client = factories.make_user(), factories.make_client()
    resource, proxy, group = factories.make_resource(), make_proxy(), create_group({"name": "team"})
    body = {"name": "a key", "user_id": str(user.pk), "user_group_id": str(group.pk)}
    key, _ = create_key(body)
    idp = TrustedIdP.objects.create(
        name="An IdP", issuer="https://idp.example.com", jwks_uri="https://idp.example.com/keys"
    )
    policy = XAAPolicy.objects.create(name="A policy", idp=idp)
    workloads = WorkloadIssuer.objects.create(
        name="Workloads", issuer="https://workloads.example.com", rules=[]
    )
    audience = AssertionAudience.objects.create(
        name="Another server", audience="https://other.example.com"
    )
    provider = IdentityProvider.objects.create(
        slug="company", display_name="Company", issuer="https://sign-in.example.com", client_id="us"
    )
    return {
        **{
            f"/admin/{noun}": {"key": str(row.pk)}
            for noun, row in {
                "broker-providers": proxy.provider, "oauth-proxies": proxy, "access-groups": group,
                "api-keys": key, "idps": idp, "xaa/policies": policy, "workload-issuers": workloads,
                "assertion-audiences": audience, "identity-providers": provider,
                "mcp-servers": make_server(user),
            }.items()
        },
        "/admin/users": {"user_id": str(user.pk)},
        "/admin/staff": {"user_id": str(user.pk)},
        "/admin/clients": {"client_id": client.client_id},
        "/admin/resources/{resource_id}": {"resource_id": str(resource.pk)},
        "/admin/resources/{slug}": {"slug": resource.slug, "client_id": client.client_id},
    }  # fmt: skip


def test_no_request_is_answered_in_a_way_that_is_not_documented(real, override_config):
    override_config(admin={"rps": 0.0, "burst": 0})
    fuzzer = Fuzzer(operator_document(), headers={"Authorization": f"Bearer {KEY}"})

    fuzzer.run(real, seconds=SECONDS)

    assert not fuzzer.found, "\n".join(f"{what}\n    {how}" for what, how in fuzzer.found.items())
    assert {200, 400, 404} <= set(fuzzer.statuses), fuzzer.statuses
