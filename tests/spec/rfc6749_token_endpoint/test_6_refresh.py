"""RFC 6749 section 6: a refresh token becomes new tokens, once, and never more than was allowed."""

from __future__ import annotations

import pytest

from audit.models import AuditEvent
from oauth.models import TokenFamily
from tests.support.digests import nothing_changes
from tests.support.factories import make_resource
from tests.support.pages import form_with
from tests.support.record import reasons, recorded
from tests.support.refusals import (
    GRANT_TYPE_NOT_ALLOWED,
    INVALID_CLIENT,
    INVALID_GRANT,
    INVALID_SCOPE,
    INVALID_TARGET,
    REFRESH_MISSING,
    assert_refused,
)
from tests.support.scene import change_client

DAY = 86_400


@pytest.mark.shows("audit event", "token.refreshed")
def test_a_refresh_token_becomes_new_tokens(scene):
    first = scene.tokens()

    answer = scene.client.refresh(first["refresh_token"])

    assert answer.status_code == 200
    second = answer.json()
    assert second["refresh_token"] != first["refresh_token"]
    assert second["access_token"] != first["access_token"]
    assert second["scope"] == "read"
    assert scene.is_active(second["access_token"])
    assert len(recorded("token.refreshed")) == 1


def test_the_earlier_access_token_stays_good(scene):
    first = scene.tokens()
    scene.client.refresh(first["refresh_token"])

    assert scene.is_active(first["access_token"])


def test_subject_client_and_audience_stay_the_same(scene):
    first = scene.tokens()
    second = scene.client.refresh(first["refresh_token"]).json()

    before, after = (scene.client.claims(each["access_token"]) for each in (first, second))

    same = ("iss", "sub", "aud", "client_id", "scope")
    assert {name: before[name] for name in same} == {name: after[name] for name in same}
    assert before["jti"] != after["jti"]


def test_a_long_chain_holds(scene):
    tokens = scene.tokens()
    for _ in range(5):
        tokens = scene.client.refresh(tokens["refresh_token"]).json()
    assert scene.is_active(tokens["access_token"])


# --- Who, what, for whom -------------------------------------------------------------------------


@pytest.mark.spec("RFC 6749", "6", "MUST", "a refresh token works only for its client")
def test_a_refresh_token_of_another_client_is_refused(scene):
    first, thief = scene.tokens(), scene.another_client()

    with nothing_changes():
        assert_refused(thief.refresh(first["refresh_token"]), INVALID_GRANT)

    assert reasons("token.refresh_denied") == ["refresh_other_client"]
    denied = AuditEvent.objects.get(action="token.refresh_denied")
    assert denied.actor_id == str(scene.user.pk), "whose token it was"
    assert denied.detail["family"] == str(TokenFamily.objects.get().pk)
    assert scene.client.refresh(first["refresh_token"]).status_code == 200


def test_a_used_refresh_token_in_other_hands_ends_nothing(scene):
    first, thief = scene.tokens(), scene.another_client()
    second = scene.client.refresh(first["refresh_token"]).json()

    with nothing_changes():
        assert_refused(thief.refresh(first["refresh_token"]), INVALID_GRANT)

    assert scene.is_active(second["access_token"])


def test_a_confidential_client_needs_its_secret(scene):
    first = scene.machine.tokens(scene.person)
    secret, scene.machine.client_secret = scene.machine.client_secret, "wrong"
    with nothing_changes():
        assert_refused(scene.machine.refresh(first["refresh_token"]), INVALID_CLIENT)

    scene.machine.client_secret = secret
    assert scene.machine.refresh(first["refresh_token"]).status_code == 200


@pytest.mark.spec("RFC 6749", "5.2", "MUST", "a missing parameter is invalid_request")
def test_a_missing_refresh_token_is_refused(scene):
    with nothing_changes():
        assert_refused(scene.client.token(grant_type="refresh_token"), REFRESH_MISSING)


@pytest.mark.parametrize("token", ["unknown", "x" * 43, "x" * 5000, "\N{SNOWMAN}", " "])
def test_an_unknown_refresh_token_is_refused(scene, token):
    with nothing_changes():
        assert_refused(scene.client.refresh(token), INVALID_GRANT)
    assert reasons("token.refresh_denied") == ["refresh_unknown"]


def test_neither_code_nor_access_token_nor_hash_is_a_refresh_token(scene):
    from oauth.models import RefreshToken

    authorization, tokens = scene.authorize(), scene.tokens()
    stored = RefreshToken.objects.get().token_checksum
    for other in (authorization.code, tokens["access_token"], stored):
        with nothing_changes():
            assert_refused(scene.client.refresh(other), INVALID_GRANT)


def test_a_client_that_lost_the_grant_is_refused(scene):
    first = scene.tokens()
    change_client(scene.client, grant_types=["authorization_code"])

    with nothing_changes():
        assert_refused(scene.client.refresh(first["refresh_token"]), GRANT_TYPE_NOT_ALLOWED)


def test_a_disabled_user_gets_no_new_tokens(scene):
    first = scene.tokens()
    scene.user.status = "disabled"
    scene.user.save()

    with nothing_changes():
        assert_refused(scene.client.refresh(first["refresh_token"]), INVALID_GRANT)
    assert reasons("token.refresh_denied") == ["user_inactive"]


@pytest.mark.parametrize("status", ["suspended", "revoked"])
def test_a_client_stopped_a_moment_ago_is_refused_although_caches_know_it_as_active(scene, status):
    from oauth.models import Client

    first = scene.tokens()
    # No cache is told: the statement that reads the token reads the client's status as well.
    Client.objects.filter(client_id=scene.client.client_id).update(status=status)

    with nothing_changes():
        assert_refused(scene.client.refresh(first["refresh_token"]), INVALID_CLIENT)
    assert reasons("token.refresh_denied") == ["client_inactive"]


def test_tokens_end_with_the_consent_they_came_from(scene):
    first = scene.tokens()
    page = scene.client.http.get("/account")
    form = form_with(page.text, url=str(page.url), field_name="consent")
    scene.client.post_form(form.action, form.submission(), page=page)

    with nothing_changes():
        assert_refused(scene.client.refresh(first["refresh_token"]), INVALID_GRANT)
    assert not scene.is_active(first["access_token"])


# --- Scope ---------------------------------------------------------------------------------------


def test_a_narrower_scope_narrows_the_token_and_not_the_family(scene):
    first = scene.tokens(scope="read write")

    second = scene.client.refresh(first["refresh_token"], scope="write").json()
    assert second["scope"] == "write"
    assert scene.client.claims(second["access_token"])["scope"] == "write"

    third = scene.client.refresh(second["refresh_token"]).json()
    assert third["scope"] == "read write"


@pytest.mark.spec("RFC 6749", "6", "MUST", "a refresh request cannot widen the scope")
@pytest.mark.parametrize("scope", ["write", "read write", "unknown", "openid"])
def test_a_wider_scope_is_refused(scene, scope):
    first = scene.tokens(scope="read")

    with nothing_changes():
        assert_refused(scene.client.refresh(first["refresh_token"], scope=scope), INVALID_SCOPE)

    assert reasons("token.refresh_denied") == ["scope_beyond_grant"]
    assert scene.client.refresh(first["refresh_token"]).status_code == 200


@pytest.mark.parametrize("scope", [" read", 'read "x"', "read\\", "read  read", "read\n"])
def test_a_malformed_scope_is_refused(scene, scope):
    first = scene.tokens()

    with nothing_changes():
        assert_refused(scene.client.refresh(first["refresh_token"], scope=scope), INVALID_SCOPE)


@pytest.mark.parametrize("scope", ["read offline_access", "offline_access", "read read", ""])
def test_offline_access_and_repetition_are_no_error_and_change_nothing(scene, scope):
    first = scene.tokens(scope="read")

    answer = scene.client.refresh(first["refresh_token"], scope=scope)

    assert answer.status_code == 200
    assert answer.json()["scope"] == "read"


def test_the_ceiling_of_today_limits_what_was_allowed_yesterday(scene):
    first = scene.tokens(scope="read write")
    change_client(scene.client, scope="read")

    with nothing_changes():
        assert_refused(scene.client.refresh(first["refresh_token"], scope="write"), INVALID_SCOPE)
    second = scene.client.refresh(first["refresh_token"]).json()
    assert second["scope"] == "read"

    change_client(scene.client, scope="read write")
    assert scene.client.refresh(second["refresh_token"]).json()["scope"] == "read write"


def test_a_ceiling_that_leaves_nothing_is_a_refusal(scene):
    first = scene.tokens(scope="read")
    change_client(scene.client, scope="write")

    with nothing_changes():
        assert_refused(scene.client.refresh(first["refresh_token"]), INVALID_SCOPE)
    assert reasons("token.refresh_denied") == ["scope_empty"]


# --- Resource ------------------------------------------------------------------------------------


def test_the_resource_may_be_named_again(scene):
    tokens = scene.tokens()
    for name in (scene.resource.uri, scene.resource.uri + "/", scene.resource.slug):
        answer = scene.client.refresh(tokens["refresh_token"], resource=name)
        assert answer.status_code == 200
        tokens = answer.json()
        assert scene.client.claims(tokens["access_token"])["aud"] == [scene.resource.uri]


@pytest.mark.spec("RFC 8707", "2.2", "MUST", "a code for one resource yields no token for another")
def test_another_resource_is_refused(scene):
    first, other = scene.tokens(), make_resource()
    for resource in (other.uri, [scene.resource.uri, other.uri], "https://unknown.example.com"):
        with nothing_changes():
            assert_refused(
                scene.client.refresh(first["refresh_token"], resource=resource), INVALID_TARGET
            )
    assert scene.client.refresh(first["refresh_token"]).status_code == 200


# --- Time ----------------------------------------------------------------------------------------


@pytest.mark.shows("setting", "dcr.default_refresh_expiry")
def test_an_unused_refresh_token_expires(frozen_clock, scene, override_config):
    override_config(tokens={"refresh_ttl": 100})
    first, late = scene.tokens(), scene.tokens()

    frozen_clock.shift(99)
    second = scene.client.refresh(first["refresh_token"])
    assert second.status_code == 200
    frozen_clock.shift(1)
    with nothing_changes():
        assert_refused(scene.client.refresh(late["refresh_token"]), INVALID_GRANT)
    assert reasons("token.refresh_denied") == ["refresh_expired"]

    frozen_clock.shift(98)
    assert scene.client.refresh(second.json()["refresh_token"]).status_code == 200, "it slides"


@pytest.mark.shows("setting", "tokens.family_expiry")
def test_refreshing_does_not_go_on_for_ever(frozen_clock, scene, override_config):
    override_config(tokens={"refresh_ttl": 100, "family_ttl": 250})
    tokens = scene.tokens()
    for _ in range(3):
        frozen_clock.shift(80)
        tokens = scene.client.refresh(tokens["refresh_token"]).json()

    frozen_clock.shift(10)
    with nothing_changes():
        assert_refused(scene.client.refresh(tokens["refresh_token"]), INVALID_GRANT)


def test_by_default_a_refresh_token_lives_a_week(frozen_clock, scene):
    first, late = scene.tokens(), scene.tokens()

    frozen_clock.shift(7 * DAY - 1)
    assert scene.client.refresh(first["refresh_token"]).status_code == 200
    frozen_clock.shift(1)
    with nothing_changes():
        assert_refused(scene.client.refresh(late["refresh_token"]), INVALID_GRANT)


def test_by_default_a_family_lives_ninety_days(frozen_clock, scene):
    tokens = scene.tokens()
    for _ in range(15):
        frozen_clock.shift(6 * DAY - 1)
        tokens = scene.client.refresh(tokens["refresh_token"]).json()

    frozen_clock.shift(15)
    with nothing_changes():
        assert_refused(scene.client.refresh(tokens["refresh_token"]), INVALID_GRANT)
