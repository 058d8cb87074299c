"""SEP-1933: a workload presents its platform's token, and nothing else."""

from __future__ import annotations

import pytest

from tests.support.digests import nothing_changes
from tests.support.factories import make_client, make_confidential_client, make_resource
from tests.support.platforms import JWT_BEARER, Platform, make_workload
from tests.support.record import reasons, recorded
from tests.support.refusals import (
    GRANT_TYPE_DISABLED,
    GRANT_TYPE_NOT_ALLOWED,
    INVALID_CLIENT,
    INVALID_SCOPE,
    INVALID_TARGET,
    METHODS_MIXED,
    NO_CEILING,
    Refusal,
    assert_refused,
)
from tests.support.scene import change_client, forget_clients

INVALID_ASSERTION = Refusal(
    400, "invalid_grant", "the assertion is invalid, expired, or not trusted here"
)
UNKNOWN_WORKLOAD = Refusal(403, "access_denied", "this workload is not known to this server")
ASSERTION_MISSING = Refusal(400, "invalid_request", "assertion is missing")


@pytest.fixture
def workload(scene):
    return make_workload(scene.client, resource=scene.resource.uri)


@pytest.mark.parametrize("kind", ["generic", "kubernetes", "github_actions", "spiffe"])
@pytest.mark.spec(
    "SEP-1933", "Flow Steps", "MUST", "a workload token of a trusted issuer yields an access token"
)
@pytest.mark.shows("audit event", "workload.token_issued")
def test_a_platform_token_is_all_a_workload_needs(scene, kind):
    workload = make_workload(scene.client, resource=scene.resource.uri, kind=kind)

    answer = workload.ask()

    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert set(body) == {"access_token", "token_type", "expires_in", "scope"}
    assert (body["token_type"], body["scope"]) == ("Bearer", "read write")
    claims = scene.client.claims(body["access_token"], audience=scene.resource.uri)
    assert claims["sub"] == claims["client_id"] == workload.client.client_id
    assert scene.is_active(body["access_token"])
    (issued,) = recorded("workload.token_issued")
    assert issued == {
        "jti": claims["jti"],
        "scopes": "read write",
        "issuer": workload.platform.issuer,
        "workload": workload.platform.subject,
    }


@pytest.mark.shows("metric", "authplane_workload_tokens_issued_total")
def test_the_ledger_and_the_metrics_say_that_it_was_a_workload(workload):
    from prometheus_client import REGISTRY

    from oauth.models import AccessToken

    def issued():
        name, labels = "authplane_workload_tokens_issued_total", {"preset": "generic"}
        return REGISTRY.get_sample_value(name, labels) or 0

    before = issued()
    jti = workload.client.claims(workload.ask().json()["access_token"])["jti"]

    row = AccessToken.objects.get(pk=jti)
    assert (row.kind, row.user_id, row.subject) == ("workload", None, workload.client.client_id)
    assert issued() == before + 1


def test_the_client_may_say_its_name(workload):
    assert workload.ask(client_id=workload.client.client_id).status_code == 200


def test_there_is_no_refresh_token(workload):
    change_client(workload.client, grant_types=[JWT_BEARER, "refresh_token"])

    assert "refresh_token" not in workload.ask().json()


def test_a_token_may_come_again_until_it_expires(workload):
    """Kubernetes hands a pod the same token for most of an hour."""
    token = workload.platform.token()

    assert [workload.ask(token).status_code for _ in range(3)] == [200, 200, 200]


@pytest.mark.spec("SEP-1933", "Security Implications", "SHOULD", "a jti can be held to one use")
def test_a_rule_can_demand_single_use(scene):
    workload = make_workload(scene.client, resource=scene.resource.uri, single_use=True)
    token, another = workload.platform.token(), workload.platform.token()

    with nothing_changes():
        assert_refused(workload.ask(token, scope="admin"), INVALID_SCOPE)
    assert workload.ask(token).status_code == 200
    with nothing_changes():
        assert_refused(workload.ask(token), INVALID_ASSERTION)
    assert reasons("jwt_bearer.denied")[-1] == "workload_replayed"
    assert workload.ask(another).status_code == 200
    endless = workload.platform.token(exp=10**11)
    assert [workload.ask(endless).status_code for _ in range(2)] == [200, 400]
    with nothing_changes():
        assert_refused(workload.ask(workload.platform.token(jti=None)), INVALID_ASSERTION)


# --- Who is calling ------------------------------------------------------------------------------


def test_another_clients_name_is_refused(scene, workload):
    with nothing_changes():
        assert_refused(workload.ask(client_id=scene.machine.client_id), INVALID_CLIENT)
        assert_refused(workload.ask(client_id="nobody"), INVALID_CLIENT)


def test_a_client_that_authenticates_must_be_the_one_the_rule_names(scene):
    made = make_confidential_client(grant_types=[JWT_BEARER], scope="read")
    platform = Platform()
    platform.register({"subject": platform.subject, "client_id": made.row.client_id})
    from tests.support.factories import driver_for

    itself = driver_for(made, base=scene.client, resource=scene.resource.uri)
    form = {
        "grant_type": JWT_BEARER,
        "assertion": platform.token(),
        "resource": scene.resource.uri,
    }
    change_client(scene.machine, grant_types=[JWT_BEARER])

    assert itself.token(**form).status_code == 200
    with nothing_changes():
        assert_refused(scene.machine.token(**form), INVALID_CLIENT)
    assert reasons("jwt_bearer.denied") == ["workload_other_client"]


def test_a_wrong_secret_beside_a_good_token_is_refused(scene):
    made = make_confidential_client(grant_types=[JWT_BEARER], scope="read")
    platform = Platform()
    platform.register({"subject": platform.subject, "client_id": made.row.client_id})
    form = {"grant_type": JWT_BEARER, "assertion": platform.token()}
    wrong = {"client_id": made.row.client_id, "client_secret": "wrong"}

    with nothing_changes():
        assert_refused(scene.post("/oauth/token", form | wrong), INVALID_CLIENT)
        assert_refused(
            scene.post("/oauth/token", form | wrong, headers={"Authorization": "Basic !"}),
            INVALID_CLIENT,
        )
        both = form | wrong | {"client_assertion": "x.y.z", "client_assertion_type": "x"}
        assert scene.post("/oauth/token", both).status_code in {400, 401}
    assert METHODS_MIXED.status == 400


@pytest.mark.parametrize("status", ["suspended", "revoked"])
def test_a_client_that_may_not_be_used_gets_nothing(workload, status):
    change_client(workload.client, status=status)

    with nothing_changes():
        assert_refused(workload.ask(), INVALID_CLIENT)


def test_a_rule_that_names_a_client_that_is_gone_leads_nowhere(workload):
    from tests.support.scene import row_of

    row_of(workload.client).delete()
    forget_clients()

    with nothing_changes():
        assert_refused(workload.ask(), INVALID_CLIENT)


def test_the_client_needs_the_grant(workload):
    change_client(workload.client, grant_types=["client_credentials"])

    with nothing_changes():
        assert_refused(workload.ask(), GRANT_TYPE_NOT_ALLOWED)
    assert reasons("jwt_bearer.denied") == ["grant_type_not_allowed"]


def test_suspending_the_client_ends_its_tokens(scene, workload):
    token = workload.ask().json()["access_token"]

    change_client(workload.client, status="suspended")

    assert not scene.is_active(token)


@pytest.mark.shows("setting", "workload.enabled")
def test_workloads_can_be_switched_off(workload, override_config):
    override_config(features={"workload": False})

    with nothing_changes():
        assert workload.ask().status_code in {400, 401}


def test_without_the_grant_there_are_no_workloads(workload, override_config):
    override_config(features={"xaa": False})

    with nothing_changes():
        assert_refused(workload.ask(), GRANT_TYPE_DISABLED)


def test_a_request_without_anything_is_told_what_is_missing(scene):
    with nothing_changes():
        assert_refused(scene.post("/oauth/token", {"grant_type": JWT_BEARER}), ASSERTION_MISSING)


@pytest.mark.parametrize("assertion", ["x", "x.y.z", "." * 9000, "\N{SNOWMAN}", "e30.e30.e30"])
def test_what_is_no_token_is_refused(workload, assertion):
    with nothing_changes():
        assert_refused(workload.ask(assertion), INVALID_ASSERTION)


def test_an_issuer_that_nobody_registered_is_refused(workload):
    with nothing_changes():
        assert_refused(workload.ask(Platform().token()), INVALID_ASSERTION)


def test_our_own_tokens_identify_nobody(scene, workload):
    """Our keys sign access tokens; nobody registered us as a platform."""
    ours = scene.machine_token()

    with nothing_changes():
        assert_refused(workload.ask(ours), INVALID_ASSERTION)


def test_an_identity_assertion_needs_a_client_that_authenticates(workload):
    token = Platform().token(headers={"typ": "oauth-id-jag+jwt"})

    with nothing_changes():
        assert_refused(workload.ask(token), INVALID_CLIENT)


# --- What it gets --------------------------------------------------------------------------------


def test_scope_and_resource_are_those_of_a_machine(scene, workload):
    assert workload.ask(scope="read").json()["scope"] == "read"
    nowhere = workload.ask(resource=None, scope=None)
    assert workload.client.claims(nowhere.json()["access_token"])["aud"] == [workload.client.issuer]
    with nothing_changes():
        assert_refused(workload.ask(scope="admin"), INVALID_SCOPE)
        assert_refused(workload.ask(resource="https://unknown.example.com"), INVALID_TARGET)
    change_client(workload.client, scope="")
    with nothing_changes():
        assert_refused(workload.ask(), NO_CEILING)
    assert set(reasons("jwt_bearer.denied")) == {
        "scope_beyond_ceiling",
        "resource_unknown",
        "scope_no_ceiling",
    }


def test_the_token_hardly_outlives_the_workloads_own(frozen_clock, workload):
    from time import time

    now = int(time())
    lifetimes = [
        workload.ask(workload.platform.token(exp=now + left)).json()["expires_in"]
        for left in (7200, 1800, 10)
    ]

    assert lifetimes == [3600, 1800, 300]


def at(workload, **policy):
    """The answer for a resource with this policy."""
    from oauth.resources import selectors

    resource = make_resource(policy=policy)
    selectors.drop()
    return workload.ask(resource=resource.uri)


def test_a_resource_can_shorten_the_life_and_refuse_the_grant(workload):
    assert at(workload, token_lifetime=60).json()["expires_in"] == 60
    assert at(workload, grant_types=["client_credentials"]).status_code == 400
    assert at(workload, grant_types=[JWT_BEARER]).status_code == 200
    assert at(workload, dpop="required").status_code == 400


def test_a_public_client_without_a_rule_is_no_workload(scene, workload):
    public = make_client(grant_types=[JWT_BEARER], scope="read")
    form = {
        "grant_type": JWT_BEARER,
        "assertion": Platform().token(),
        "client_id": public.client_id,
    }

    with nothing_changes():
        assert scene.post("/oauth/token", form).status_code in {400, 401}
