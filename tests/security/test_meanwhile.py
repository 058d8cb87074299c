"""What happens between the moment a credential is read and the moment it is spent.

One request is held between its reading and its writing while another one runs to its end. The
storms in tests/concurrency meet the same moments by chance and with real locks; here each of them
is met every time, on every database.
"""

from __future__ import annotations

import pytest

from authplane.core import clock
from tests.support.digests import nothing_changes, table_digests
from tests.support.record import recorded
from tests.support.refusals import INVALID_GRANT, assert_refused


@pytest.fixture
def meanwhile(monkeypatch):
    """`meanwhile(module, name, act)`: after the next call of that function, `act` runs once."""

    def arrange(module, name, act):
        real, waiting = getattr(module, name), [act]

        def reading(*args, **kwargs):
            found = real(*args, **kwargs)
            if waiting:
                waiting.pop()()
            return found

        monkeypatch.setattr(module, name, reading)

    return arrange


@pytest.fixture
def after_reading_the_code(meanwhile):
    from oauth.tokens import codes

    return lambda act: meanwhile(codes, "read_code", act)


@pytest.fixture
def after_reading_the_refresh_token(meanwhile):
    from oauth.tokens import refresh

    return lambda act: meanwhile(refresh, "read_refresh", act)


# --- Codes ---------------------------------------------------------------------------------------


@pytest.mark.spec("RFC 6749", "4.1.2", "MUST", "a code is used at most once")
@pytest.mark.spec("RFC 6749", "4.1.2", "SHOULD", "tokens of a replayed code are revoked")
def test_the_code_is_redeemed_meanwhile(scene, after_reading_the_code):
    authorization, winner = scene.authorize(), []
    after_reading_the_code(lambda: winner.append(scene.client.redeem(authorization)))

    assert_refused(scene.client.redeem(authorization), INVALID_GRANT)

    (first,) = winner
    assert first.status_code == 200
    assert not scene.is_active(first.json()["access_token"])
    assert_refused(scene.client.refresh(first.json()["refresh_token"]), INVALID_GRANT)
    counts = {table: digest.rows for table, digest in table_digests().items()}
    assert counts["oauth_accesstoken"] == counts["oauth_refreshtoken"] == 1
    assert counts["oauth_tokenfamily"] == 1
    assert [detail["cause"] for detail in recorded("family.revoked")] == ["code_reuse"]
    assert len(recorded("token.issued")) == 1


def test_the_consent_is_taken_back_meanwhile(scene, after_reading_the_code):
    from oauth.models import AuthorizationCode

    authorization = scene.authorize()

    def take_back():
        AuthorizationCode.objects.update(revoked_at=clock.now())

    after_reading_the_code(take_back)
    before = table_digests()

    assert_refused(scene.client.redeem(authorization), INVALID_GRANT)

    after = table_digests()
    assert {table for table in after if before[table] != after[table]} == {
        "oauth_authorizationcode"
    }
    assert recorded("token.issued") == []


def test_the_code_expires_meanwhile(frozen_clock, scene, after_reading_the_code):
    authorization = scene.authorize()
    frozen_clock.shift(59)
    after_reading_the_code(lambda: frozen_clock.shift(2))

    with nothing_changes():
        assert_refused(scene.client.redeem(authorization), INVALID_GRANT)


def test_the_code_expires_after_its_last_check(frozen_clock, scene, meanwhile):
    from oauth.grants import authorization_code

    authorization = scene.authorize()
    frozen_clock.shift(59)
    meanwhile(authorization_code, "user_token_lifetime", lambda: frozen_clock.shift(2))

    with nothing_changes():
        assert_refused(scene.client.redeem(authorization), INVALID_GRANT)


def test_the_code_is_purged_meanwhile(scene, after_reading_the_code):
    from oauth.models import AuthorizationCode

    authorization = scene.authorize()
    after_reading_the_code(lambda: AuthorizationCode.objects.all().delete())

    assert_refused(scene.client.redeem(authorization), INVALID_GRANT)

    assert table_digests()["oauth_accesstoken"].rows == 0


# --- Refresh tokens ------------------------------------------------------------------------------


def test_the_token_is_used_meanwhile_within_the_window(scene, after_reading_the_refresh_token):
    first, winner = scene.tokens(), []
    after_reading_the_refresh_token(
        lambda: winner.append(scene.client.refresh(first["refresh_token"]))
    )

    answer = scene.client.refresh(first["refresh_token"])

    assert (answer.status_code, answer.content) == (200, winner[0].content)
    assert table_digests()["oauth_refreshtoken"].rows == 2
    assert table_digests()["oauth_accesstoken"].rows == 2
    assert len(recorded("token.refreshed")) == 1
    assert scene.client.refresh(answer.json()["refresh_token"]).status_code == 200


@pytest.mark.spec("RFC 9700", "4.14.2", "MUST", "a replayed refresh token ends its family")
def test_the_token_is_used_meanwhile_without_a_window(
    scene, override_config, after_reading_the_refresh_token
):
    override_config(tokens={"refresh_replay_window": 0})
    first, winner = scene.tokens(), []
    after_reading_the_refresh_token(
        lambda: winner.append(scene.client.refresh(first["refresh_token"]))
    )

    assert_refused(scene.client.refresh(first["refresh_token"]), INVALID_GRANT)

    second = winner[0].json()
    assert not scene.is_active(second["access_token"])
    assert_refused(scene.client.refresh(second["refresh_token"]), INVALID_GRANT)
    assert table_digests()["oauth_refreshtoken"].rows == 2


def test_the_token_is_used_meanwhile_for_another_scope(scene, after_reading_the_refresh_token):
    first, winner = scene.tokens(scope="read write"), []
    after_reading_the_refresh_token(
        lambda: winner.append(scene.client.refresh(first["refresh_token"], scope="read"))
    )

    assert_refused(scene.client.refresh(first["refresh_token"], scope="write"), INVALID_GRANT)

    assert scene.is_active(winner[0].json()["access_token"])


def test_the_family_ends_meanwhile(scene, after_reading_the_refresh_token):
    first = scene.tokens()
    after_reading_the_refresh_token(lambda: scene.client.revoke(first["refresh_token"]))

    assert_refused(scene.client.refresh(first["refresh_token"]), INVALID_GRANT)

    assert table_digests()["oauth_accesstoken"].rows == 1
    assert table_digests()["oauth_refreshtoken"].rows == 1
    assert recorded("token.refreshed") == []


def test_the_token_expires_meanwhile(frozen_clock, scene, after_reading_the_refresh_token):
    first = scene.tokens()
    frozen_clock.shift(7 * 86_400 - 1)
    after_reading_the_refresh_token(lambda: frozen_clock.shift(2))

    with nothing_changes():
        assert_refused(scene.client.refresh(first["refresh_token"]), INVALID_GRANT)


def test_the_token_expires_after_its_last_check(frozen_clock, scene, meanwhile):
    from oauth.grants import refresh_token

    first = scene.tokens()
    frozen_clock.shift(7 * 86_400 - 1)
    meanwhile(refresh_token, "user_token_lifetime", lambda: frozen_clock.shift(2))

    with nothing_changes():
        assert_refused(scene.client.refresh(first["refresh_token"]), INVALID_GRANT)


def test_the_token_is_purged_meanwhile(scene, after_reading_the_refresh_token):
    from oauth.models import RefreshToken

    first = scene.tokens()
    after_reading_the_refresh_token(lambda: RefreshToken.objects.all().delete())

    assert_refused(scene.client.refresh(first["refresh_token"]), INVALID_GRANT)

    assert table_digests()["oauth_refreshtoken"].rows == 0


def test_a_user_is_disabled_meanwhile(scene, after_reading_the_refresh_token):
    """The tokens come to be, but nothing takes them."""
    first = scene.tokens()

    def disable():
        scene.user.status = "disabled"
        scene.user.save()

    after_reading_the_refresh_token(disable)

    answer = scene.client.refresh(first["refresh_token"])

    assert answer.status_code == 200
    assert not scene.is_active(answer.json()["access_token"])
    assert_refused(scene.client.refresh(answer.json()["refresh_token"]), INVALID_GRANT)
