"""What a resource demands of its tokens holds at every grant, and of tokens already out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.digests import nothing_changes
from tests.support.dpop import DPoPKey
from tests.support.factories import make_resource
from tests.support.record import reasons
from tests.support.refusals import Refusal, assert_refused
from tests.support.scene import change_client, row_of

GRANT_REFUSED = Refusal(
    400, "unauthorized_client", "the requested resource does not allow this grant type"
)
DPOP_REQUIRED = Refusal(400, "invalid_dpop_proof", "the requested resource requires a DPoP proof")
DPOP_OFF = Refusal(
    400, "invalid_target", "the requested resource does not accept DPoP-bound tokens"
)
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"


def demand(resource, **rules):
    """The resource demands exactly this."""
    lists = {name: resource.policy.get(name, {}) for name in ("exchange", "runtime")}
    resource.policy = lists | rules
    resource.save()


def with_key(driver):
    return replace(driver, dpop=DPoPKey())


# --- Allowed grants ----------------------------------------------------------------------------


class TestGrants:
    def test_a_grant_that_is_not_listed_is_refused_at_the_token_endpoint(self, scene):
        demand(scene.resource, grant_types=["authorization_code", "refresh_token"])

        with nothing_changes():
            assert_refused(scene.machine.client_credentials(), GRANT_REFUSED)

        assert ["resource_grant_refused"] == reasons("client_credentials.denied")

    @pytest.mark.parametrize("name", ["slug", "uri"])
    def test_by_whatever_name_the_resource_is_called(self, scene, name):
        demand(scene.resource, grant_types=["authorization_code"])

        answer = scene.machine.client_credentials(resource=getattr(scene.resource, name))

        assert_refused(answer, GRANT_REFUSED)

    def test_a_grant_that_is_listed_works_and_other_resources_are_not_concerned(self, scene):
        demand(scene.resource, grant_types=["client_credentials"])
        other = make_resource(policy={"grant_types": ["authorization_code"]})

        assert 200 == scene.machine.client_credentials().status_code
        assert_refused(scene.machine.client_credentials(resource=other.uri), GRANT_REFUSED)

    def test_the_user_is_not_asked_for_what_would_yield_no_token(self, scene):
        demand(scene.resource, grant_types=["client_credentials"])

        with nothing_changes():
            refused = scene.authorize()

        assert "unauthorized_client" == refused.error
        assert scene.client.issuer == refused.parameters["iss"]
        assert "code" not in refused.parameters

    def test_a_code_that_is_out_is_not_redeemed_and_not_spent(self, scene):
        issued = scene.authorize()
        demand(scene.resource, grant_types=["client_credentials"])

        with nothing_changes():
            assert_refused(scene.client.redeem(issued), GRANT_REFUSED)
            assert_refused(scene.client.redeem(issued, resource=None), GRANT_REFUSED)

        demand(scene.resource)
        assert 200 == scene.client.redeem(issued).status_code

    def test_without_refresh_no_refresh_token_is_given(self, scene):
        demand(scene.resource, grant_types=["authorization_code"])

        assert "refresh_token" not in scene.tokens()

    def test_a_refresh_token_that_is_out_is_not_used_and_not_spent(self, scene):
        refresh_token = scene.tokens()["refresh_token"]
        demand(scene.resource, grant_types=["authorization_code"])

        with nothing_changes():
            assert_refused(scene.client.refresh(refresh_token), GRANT_REFUSED)

        assert ["resource_grant_refused"] == reasons("token.refresh_denied")
        demand(scene.resource)
        assert 200 == scene.client.refresh(refresh_token).status_code

    def test_the_wrong_verifier_is_told_before_the_rules(self, scene):
        """Or the answer would tell the thief of a code what the code is for."""
        issued = scene.authorize()
        demand(scene.resource, grant_types=["client_credentials"])

        answer = scene.client.redeem(issued, code_verifier="x" * 43)

        assert "invalid_grant" == answer.json()["error"]

    def test_this_server_itself_can_have_rules(self, scene):
        from oauth.models import Resource

        demand(Resource.objects.get(backend_kind="issuer"), grant_types=["authorization_code"])

        assert_refused(scene.machine.client_credentials(resource=None, scope=None), GRANT_REFUSED)
        assert 200 == scene.machine.client_credentials().status_code


# --- Lifetime ----------------------------------------------------------------------------------


class TestLifetime:
    def test_it_is_a_ceiling_for_every_grant(self, scene):
        demand(scene.resource, token_lifetime=120)

        user = scene.tokens()
        again = scene.client.refresh(user["refresh_token"]).json()
        machine = scene.machine.client_credentials().json()

        for answer in (user, again, machine):
            claims = scene.client.claims(answer["access_token"])
            assert (120, 120) == (answer["expires_in"], claims["exp"] - claims["iat"])

    def test_it_never_lengthens(self, scene):
        demand(scene.resource, token_lifetime=86_400)

        assert (900, 3600) == (
            scene.tokens()["expires_in"], scene.machine.client_credentials().json()["expires_in"],
        )  # fmt: skip

    def test_tokens_already_out_keep_their_end(self, scene):
        token = scene.machine_token()
        demand(scene.resource, token_lifetime=10)

        answer = scene.watcher.introspect(token).json()

        assert (True, 3600) == (answer["active"], answer["exp"] - answer["iat"])


# --- DPoP --------------------------------------------------------------------------------------


class TestDPoPRequired:
    def test_a_machine_without_proof_gets_nothing(self, scene):
        demand(scene.resource, dpop="required")

        with nothing_changes():
            assert_refused(scene.machine.client_credentials(), DPOP_REQUIRED)

        assert ["resource_dpop_required"] == reasons("client_credentials.denied")
        assert 200 == scene.machine.client_credentials(resource=None, scope=None).status_code

    def test_a_code_is_not_spent_without_proof(self, scene):
        demand(scene.resource, dpop="required")
        issued = scene.authorize()

        with nothing_changes():
            assert_refused(scene.client.redeem(issued), DPOP_REQUIRED)
            assert_refused(scene.client.redeem(issued, resource=None), DPOP_REQUIRED)

        answer = with_key(scene.client).redeem(issued).json()
        assert "DPoP" == answer["token_type"]

    def test_a_refresh_token_is_not_spent_without_proof(self, scene):
        refresh_token = scene.tokens()["refresh_token"]
        demand(scene.resource, dpop="required")

        with nothing_changes():
            assert_refused(scene.client.refresh(refresh_token), DPOP_REQUIRED)

        answer = with_key(scene.client).refresh(refresh_token)
        assert (200, "DPoP") == (answer.status_code, answer.json()["token_type"])

    def test_a_bound_token_is_had_with_a_proof(self, scene):
        demand(scene.resource, dpop="required")
        holder = with_key(scene.machine)

        answer = holder.client_credentials().json()

        assert "DPoP" == answer["token_type"]
        assert {"jkt": holder.dpop.jkt} == scene.machine.claims(answer["access_token"])["cnf"]
        assert scene.is_active(answer["access_token"])


class TestDPoPOff:
    @pytest.mark.spec("RFC 9449", "5", "MAY", "an unbound token is announced as Bearer")
    def test_a_proof_binds_nothing_and_the_answer_says_so(self, scene):
        demand(scene.resource, dpop="off")

        answer = with_key(scene.machine).client_credentials().json()

        assert "Bearer" == answer["token_type"]
        assert "cnf" not in scene.machine.claims(answer["access_token"])

    def test_the_refresh_token_of_a_public_client_is_bound_all_the_same(self, scene):
        """A resource that cannot check proofs must not make refresh tokens worth stealing."""
        demand(scene.resource, dpop="off")
        holder = with_key(scene.client)
        answer = holder.redeem(holder.authorize(scene.person)).json()
        assert "Bearer" == answer["token_type"]

        with nothing_changes():
            for thief in (scene.client, with_key(scene.client)):
                assert 400 == thief.refresh(answer["refresh_token"]).status_code

        assert "Bearer" == holder.refresh(answer["refresh_token"]).json()["token_type"]

    def test_a_client_that_takes_bound_tokens_alone_gets_none(self, scene):
        demand(scene.resource, dpop="off")
        for driver in (scene.machine, scene.client):
            change_client(row_of(driver), dpop_bound_access_tokens=True)

        with nothing_changes():
            refused = scene.authorize()
            assert ("invalid_target", False) == (refused.error, "code" in refused.parameters)
        assert_refused(with_key(scene.machine).client_credentials(), DPOP_OFF)


# --- Tokens that are out -----------------------------------------------------------------------


class TestIntrospection:
    def test_an_unbound_token_ends_where_dpop_becomes_required(self, scene):
        token = scene.machine_token()
        assert scene.is_active(token)

        demand(scene.resource, dpop="required")

        assert {"active": False} == scene.watcher.introspect(token).json()
        assert {"active": False} == scene.machine.introspect(token).json()
        assert ["resource_policy"] * 2 == reasons("token.introspect_denied")
        demand(scene.resource, dpop="optional")
        assert scene.is_active(token)

    def test_a_bound_token_does_not(self, scene):
        token = with_key(scene.machine).client_credentials().json()["access_token"]
        demand(scene.resource, dpop="required")

        assert scene.is_active(token)

    @pytest.mark.parametrize(
        ("kind", "allowed"),
        [
            ("authorization_code", ["refresh_token", "client_credentials", EXCHANGE]),
            ("refresh_token", ["authorization_code", "client_credentials"]),
            ("client_credentials", ["authorization_code", "refresh_token"]),
        ],
    )
    def test_a_token_ends_where_its_grant_is_no_longer_allowed(self, scene, kind, allowed):
        first = scene.tokens()
        tokens = {
            "authorization_code": first["access_token"],
            "refresh_token": scene.client.refresh(first["refresh_token"]).json()["access_token"],
            "client_credentials": scene.machine_token(),
        }
        demand(scene.resource, grant_types=allowed)

        active = {name for name, token in tokens.items() if scene.is_active(token)}

        assert set(tokens) & set(allowed) == active
        assert kind not in active

    def test_a_refresh_token_ends_where_refreshing_is_no_longer_allowed(self, scene):
        refresh_token = scene.machine.tokens(scene.person)["refresh_token"]
        demand(scene.resource, grant_types=["refresh_token"], dpop="required")
        assert scene.machine.introspect(refresh_token).json()["active"]

        demand(scene.resource, grant_types=["authorization_code"])

        assert {"active": False} == scene.machine.introspect(refresh_token).json()

    def test_userinfo_asks_the_same(self, scene):
        from oauth.models import Resource

        token = scene.tokens(resource=None, scope="openid")["access_token"]
        assert 200 == scene.client.userinfo(token).status_code
        demand(Resource.objects.get(backend_kind="issuer"), grant_types=["client_credentials"])

        assert 401 == scene.client.userinfo(token).status_code


# --- Said in public ----------------------------------------------------------------------------


@pytest.mark.spec("RFC 9728", "2", "OPTIONAL", "a resource that takes bound tokens alone says so")
@pytest.mark.parametrize(
    ("rules", "said"), [({}, None), ({"dpop": "optional"}, None), ({"dpop": "off"}, None),
                        ({"dpop": "required"}, True)],
)  # fmt: skip
def test_the_metadata_of_a_resource_says_that_dpop_is_required(scene, rules, said):
    place = f"/.well-known/oauth-protected-resource/{scene.resource.slug}"
    assert "dpop_bound_access_tokens_required" not in scene.client.http.get(place).json()

    demand(scene.resource, **rules)

    assert said == scene.client.http.get(place).json().get("dpop_bound_access_tokens_required")
