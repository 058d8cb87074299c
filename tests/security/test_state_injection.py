"""What the client sends never stands where the server keeps its own findings."""

from __future__ import annotations

import pytest

from tests.support.digests import nothing_changes
from tests.support.factories import make_user
from tests.support.refusals import INVALID_SCOPE, assert_refused

# Names under which oauthlib, django-oauth-toolkit or our own stages keep state on a request.
STATE = [
    "user", "client", "scopes", "source", "authorization", "parameters", "resources", "endpoint",
    "minted_access", "minted_refresh", "extra_credentials", "claims", "access_token",
    "validator_log", "_params", "__class__", "authorization_header", "using_default_redirect_uri",
    "duplicate_params", "headers", "uri", "body", "http_method", "decoded_body", "oauth_params",
    "refused_client", "expires_in", "id_token", "response_type", "state", "nonce", "dpop_proofs",
    "dpop_jkt", "sub", "subject", "actor", "act", "aud", "iss", "family_id", "user_id",
    "application_id", "lifetime",
]  # fmt: skip


def asked(client, form, *, poison=None):
    """A token request that also carries every one of these names, with the poison as value."""
    extra = {} if poison is None else dict.fromkeys(STATE, poison)
    return client.post_as_client("/oauth/token", form | extra)


def code_form(authorization):
    return {
        "grant_type": "authorization_code",
        "code": authorization.code,
        "redirect_uri": authorization.redirect_uri,
        "code_verifier": authorization.verifier,
    }


@pytest.mark.parametrize("value", ["1", "None", "somebody", "read write admin"])
def test_a_code_yields_the_same_whatever_else_is_sent(frozen_clock, scene, value):
    plain = scene.client.redeem(scene.authorize()).json()
    poisoned = asked(scene.client, code_form(scene.authorize()), poison=value)

    assert poisoned.status_code == 200
    assert_same(scene, plain, poisoned.json())


def test_another_user_cannot_be_named(frozen_clock, scene):
    other = make_user()
    plain = scene.client.redeem(scene.authorize()).json()
    poisoned = asked(scene.client, code_form(scene.authorize()), poison=str(other.pk))

    assert_same(scene, plain, poisoned.json())


@pytest.mark.parametrize("value", ["1", "somebody", "read write admin"])
def test_a_refresh_yields_the_same_whatever_else_is_sent(frozen_clock, scene, value):
    one, other = scene.tokens(), scene.tokens()

    plain = scene.client.refresh(one["refresh_token"]).json()
    poisoned = asked(
        scene.client,
        {"grant_type": "refresh_token", "refresh_token": other["refresh_token"]},
        poison=value,
    )

    assert poisoned.status_code == 200
    assert_same(scene, plain, poisoned.json())


@pytest.mark.parametrize("value", ["1", "somebody", "read write admin"])
def test_a_machine_gets_the_same_whatever_else_is_sent(frozen_clock, scene, value):
    form = {"grant_type": "client_credentials", "scope": "read", "resource": scene.resource.uri}
    plain = asked(scene.machine, form).json()
    poisoned = asked(scene.machine, form, poison=value).json()

    assert_same(scene, plain, poisoned)
    with nothing_changes():
        assert_refused(
            asked(scene.machine, form | {"scope": "admin"}, poison="admin"), INVALID_SCOPE
        )


def test_another_clients_id_in_the_body_never_changes_who_is_asking(frozen_clock, scene):
    answer = scene.machine.client_credentials(client=scene.watcher.client_id)

    assert scene.machine.claims(answer.json()["access_token"])["sub"] == scene.machine.client_id


def test_one_request_leaves_nothing_for_the_next(scene):
    """The engine is built once per process; what belongs to a request must not stay on it."""
    scene.machine.client_credentials(scope="read")
    answer = scene.watcher.client_credentials(resource=None)
    assert "scope" not in answer.json()

    authorization = scene.authorize()
    scene.machine.client_credentials()
    scene.machine.client_credentials(scope="unknown")
    assert scene.client.claims(scene.client.redeem(authorization).json()["access_token"])[
        "sub"
    ] == str(scene.user.pk)


def test_the_engine_holds_nothing_of_a_request(scene):
    """Its objects are the same before and after, attribute by attribute."""
    from oauth.views.token import TokenView

    def state():
        core = TokenView.get_oauthlib_core()
        server = core.server
        return {
            name: {key: repr(value) for key, value in vars(part).items()}
            for name, part in [("core", core), ("server", server), *server.grants.items()]
            if hasattr(part, "__dict__")
        }

    scene.machine.client_credentials()
    before = state()
    scene.client.refresh(scene.tokens()["refresh_token"])
    scene.machine.client_credentials(scope="unknown")

    assert state() == before


def assert_same(scene, plain, poisoned):
    """Member by member and claim by claim, but for what is different each time."""
    each_time = {"access_token", "refresh_token"}
    assert {k: v for k, v in plain.items() if k not in each_time} == {
        k: v for k, v in poisoned.items() if k not in each_time
    }
    first, second = (scene.client.claims(each["access_token"]) for each in (plain, poisoned))
    assert first.pop("jti") != second.pop("jti")
    assert first == second
