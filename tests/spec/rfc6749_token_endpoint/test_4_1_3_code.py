"""RFC 6749 section 4.1.3: a code becomes tokens, once, for its client, soon."""

from __future__ import annotations

import pytest

from tests.support.digests import nothing_changes
from tests.support.pages import form_with
from tests.support.record import reasons, recorded
from tests.support.refusals import (
    CODE_MISSING,
    GRANT_TYPE_NOT_ALLOWED,
    INVALID_GRANT,
    VERIFIER_WRONG,
    assert_refused,
)
from tests.support.scene import change_client


def test_a_code_becomes_an_access_and_a_refresh_token(scene):
    answer = scene.client.redeem(scene.authorize())

    assert answer.status_code == 200
    assert scene.is_active(answer.json()["access_token"])
    assert scene.client.refresh(answer.json()["refresh_token"]).status_code == 200
    (issued,) = recorded("token.issued")
    assert (issued["grant"], issued["scopes"]) == ("authorization_code", "read")


def test_a_confidential_client_redeems_with_its_secret(scene):
    answer = scene.machine.redeem(scene.machine.authorize(scene.person))

    assert answer.status_code == 200
    assert scene.is_active(answer.json()["access_token"])


def test_without_the_refresh_grant_there_is_no_refresh_token(scene):
    client = scene.another_client(grant_types=["authorization_code"])

    answer = client.redeem(client.authorize(scene.person))

    assert answer.status_code == 200
    assert "refresh_token" not in answer.json()
    assert scene.is_active(answer.json()["access_token"])


def test_the_scope_is_that_of_the_authorization_whatever_is_sent(scene):
    answer = scene.client.redeem(scene.authorize(), scope="write")

    assert answer.json()["scope"] == "read"


@pytest.mark.spec("RFC 6749", "4.1.3", "MUST", "a code works only for its client")
def test_a_code_of_another_client_is_refused(scene):
    authorization, thief = scene.authorize(), scene.another_client()

    with nothing_changes():
        assert_refused(thief.redeem(authorization), INVALID_GRANT)

    assert reasons("token.issue_denied") == ["code_other_client"]
    assert scene.client.redeem(authorization).status_code == 200


@pytest.mark.spec(
    "RFC 6749", "4.1.3", "MUST",
    "the redirect URI of the token request equals that of the authorization request",
)  # fmt: skip
@pytest.mark.parametrize(
    "redirect_uri",
    [
        None,
        "http://127.0.0.1:8765/callback/",
        "http://127.0.0.1:8766/callback",
        "http://localhost:8765/callback",
        "http://127.0.0.1:8765/callback?x=1",
        "HTTP://127.0.0.1:8765/callback",
        "https://evil.example.com/callback",
    ],
)
def test_another_redirect_uri_is_refused(scene, redirect_uri):
    authorization = scene.authorize()

    with nothing_changes():
        assert_refused(scene.client.redeem(authorization, redirect_uri=redirect_uri), INVALID_GRANT)

    assert reasons("token.issue_denied") == ["code_redirect_mismatch"]
    assert scene.client.redeem(authorization).status_code == 200


@pytest.mark.spec("RFC 6749", "5.2", "MUST", "a missing parameter is invalid_request")
@pytest.mark.parametrize("code", [None, ""])
def test_a_missing_code_is_refused(scene, code):
    authorization = scene.authorize()

    with nothing_changes():
        assert_refused(scene.client.redeem(authorization, code=code), CODE_MISSING)


@pytest.mark.parametrize("code", ["unknown", "x" * 43, "x" * 5000, "\N{SNOWMAN}", " ", "%"])
def test_an_unknown_code_is_refused(scene, code):
    authorization = scene.authorize()

    with nothing_changes():
        assert_refused(scene.client.redeem(authorization, code=code), INVALID_GRANT)

    assert reasons("token.issue_denied") == ["code_unknown"]


def test_a_refresh_token_is_no_code(scene):
    refresh_token, authorization = scene.tokens()["refresh_token"], scene.authorize()

    with nothing_changes():
        assert_refused(scene.client.redeem(authorization, code=refresh_token), INVALID_GRANT)


def test_the_stored_hash_is_no_code(scene):
    from oauth.models import AuthorizationCode

    authorization = scene.authorize()
    stored = AuthorizationCode.objects.get().code
    assert stored != authorization.code

    with nothing_changes():
        assert_refused(scene.client.redeem(authorization, code=stored), INVALID_GRANT)


def test_a_code_of_another_issuer_is_unknown_here(scene):
    from oauth.models import AuthorizationCode

    authorization = scene.authorize()
    AuthorizationCode.objects.update(issuer="https://other.example.com")

    with nothing_changes():
        assert_refused(scene.client.redeem(authorization), INVALID_GRANT)


@pytest.mark.spec("RFC 6749", "4.1.2", "MUST", "a code expires soon after it was issued")
def test_a_code_works_for_a_minute(frozen_clock, scene):
    authorization, late = scene.authorize(), scene.authorize()

    frozen_clock.shift(59)
    assert scene.client.redeem(authorization).status_code == 200

    frozen_clock.shift(1)
    with nothing_changes():
        assert_refused(scene.client.redeem(late), INVALID_GRANT)
    assert reasons("token.issue_denied") == ["code_expired"]


@pytest.mark.shows("setting", "tokens.code_expiry")
def test_the_lifetime_of_codes_can_be_set(frozen_clock, scene, override_config):
    override_config(tokens={"code_ttl": 5})
    authorization = scene.authorize()

    frozen_clock.shift(5)
    with nothing_changes():
        assert_refused(scene.client.redeem(authorization), INVALID_GRANT)


def test_a_client_without_the_grant_is_refused(scene):
    authorization = scene.authorize()
    change_client(scene.client, grant_types=["refresh_token"])

    with nothing_changes():
        assert_refused(scene.client.redeem(authorization), GRANT_TYPE_NOT_ALLOWED)


@pytest.mark.parametrize("status", ["disabled"])
def test_the_code_of_a_disabled_user_is_refused(scene, status):
    authorization = scene.authorize()
    scene.user.status = status
    scene.user.save()

    with nothing_changes():
        assert_refused(scene.client.redeem(authorization), INVALID_GRANT)
    assert reasons("token.issue_denied") == ["user_inactive"]


def test_a_code_does_not_outlive_the_consent_it_came_from(scene):
    authorization = scene.authorize()
    page = scene.client.http.get("/account")
    form = form_with(page.text, url=str(page.url), field_name="consent")
    assert scene.client.post_form(form.action, form.submission(), page=page).status_code == 303

    with nothing_changes():
        assert_refused(scene.client.redeem(authorization), INVALID_GRANT)
    assert reasons("token.issue_denied") == ["code_revoked"]


# --- Used twice ----------------------------------------------------------------------------------


@pytest.mark.spec("RFC 6749", "4.1.2", "MUST", "a code is used at most once")
@pytest.mark.spec("RFC 6749", "4.1.2", "SHOULD", "tokens of a replayed code are revoked")
@pytest.mark.shows("audit event", "auth_code.reused", "family.revoked")
def test_replaying_a_code_ends_every_token_it_produced(scene):
    authorization = scene.authorize()
    first = scene.client.redeem(authorization).json()
    later = scene.client.refresh(first["refresh_token"]).json()

    assert_refused(scene.client.redeem(authorization), INVALID_GRANT)

    assert not scene.is_active(first["access_token"])
    assert not scene.is_active(later["access_token"])
    assert_refused(scene.client.refresh(later["refresh_token"]), INVALID_GRANT)
    assert [detail["verifier"] for detail in recorded("auth_code.reused")] == ["valid"]
    assert [detail["cause"] for detail in recorded("family.revoked")] == ["code_reuse"]


def test_a_third_use_is_refused_like_the_second(scene):
    authorization = scene.authorize()
    scene.client.redeem(authorization)
    scene.client.redeem(authorization)

    with nothing_changes():
        assert_refused(scene.client.redeem(authorization), INVALID_GRANT)

    assert len(recorded("auth_code.reused")) == 2
    assert len(recorded("family.revoked")) == 1


def test_a_used_code_is_recognised_after_it_expired(frozen_clock, scene):
    authorization = scene.authorize()
    tokens = scene.client.redeem(authorization).json()

    frozen_clock.shift(120)
    assert_refused(scene.client.redeem(authorization), INVALID_GRANT)

    assert not scene.is_active(tokens["access_token"])


def test_a_replay_without_the_verifier_ends_nothing(scene):
    """Or a leaked code would be a button to sign other people out."""
    authorization = scene.authorize()
    tokens = scene.client.redeem(authorization).json()

    with nothing_changes():
        assert_refused(scene.client.redeem(authorization, code_verifier="x" * 43), VERIFIER_WRONG)

    assert scene.is_active(tokens["access_token"])
    assert [detail["verifier"] for detail in recorded("auth_code.reused")] == ["invalid"]
    assert recorded("family.revoked") == []


def test_a_replay_by_another_client_ends_nothing(scene):
    authorization, other = scene.authorize(), scene.another_client()
    tokens = scene.client.redeem(authorization).json()

    with nothing_changes():
        assert_refused(other.redeem(authorization), INVALID_GRANT)

    assert scene.is_active(tokens["access_token"])
    assert recorded("auth_code.reused") == []


def test_a_replay_by_a_confidential_client_without_its_secret_ends_nothing(scene):
    authorization = scene.machine.authorize(scene.person)
    tokens = scene.machine.redeem(authorization).json()
    scene.machine.client_secret = "wrong"

    with nothing_changes():
        assert scene.machine.redeem(authorization).status_code == 401

    assert scene.is_active(tokens["access_token"])


def test_a_replay_ends_only_what_that_code_began(scene):
    authorization, other = scene.authorize(), scene.tokens()
    scene.client.redeem(authorization)
    scene.client.redeem(authorization)

    assert scene.is_active(other["access_token"])
    assert scene.client.refresh(other["refresh_token"]).status_code == 200
