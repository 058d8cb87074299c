"""RFC 9700 section 4.14.2: a refresh token works once; what happens when it comes again."""

from __future__ import annotations

import pytest

from tests.support.digests import nothing_changes
from tests.support.factories import make_resource
from tests.support.record import reasons, recorded
from tests.support.refusals import (
    INVALID_CLIENT,
    INVALID_GRANT,
    INVALID_SCOPE,
    INVALID_TARGET,
    assert_refused,
)
from tests.support.scene import change_client


def rows():
    from oauth.models import AccessToken, RefreshToken

    return AccessToken.objects.count(), RefreshToken.objects.count()


def assert_ended(scene, *tokens):
    """Nothing of the family works any more."""
    for each in tokens:
        assert not scene.is_active(each["access_token"])
        assert_refused(scene.client.refresh(each["refresh_token"]), INVALID_GRANT)
    assert [detail["cause"] for detail in recorded("family.revoked")] == ["reuse_detection"]


@pytest.fixture
def strict(override_config):
    override_config(tokens={"refresh_replay_window": 0})


# --- No window: once means once ------------------------------------------------------------------


@pytest.mark.spec("RFC 9700", "4.14.2", "MUST", "a replayed refresh token ends its family")
@pytest.mark.spec("RFC 9700", "2.2.2", "MUST", "refresh tokens of public clients rotate")
@pytest.mark.spec(
    "MCP 2026-07-28", "security: token theft", "MUST", "refresh tokens of public clients rotate"
)
@pytest.mark.shows("setting", "tokens.refresh_replay_window")
def test_without_a_window_a_second_use_ends_the_family(scene, strict):
    first = scene.tokens()
    second = scene.client.refresh(first["refresh_token"]).json()

    assert_refused(scene.client.refresh(first["refresh_token"]), INVALID_GRANT)

    assert reasons("token.refresh_denied") == ["refresh_reused"]
    assert_ended(scene, first, second)


@pytest.mark.spec("Plugged.in", "P28", "MUST", "a replay ends the family and its access tokens")
@pytest.mark.spec("Negative tests", "D8.26", "MUST", "an old refresh token ends access tokens too")
def test_the_thief_loses_what_the_owner_loses(scene, strict):
    """Whoever uses the stolen token first: the other one's use is the alarm."""
    owner = scene.tokens()
    thief = scene.client.refresh(owner["refresh_token"]).json()
    later = scene.client.refresh(thief["refresh_token"]).json()

    scene.client.refresh(owner["refresh_token"])

    assert_ended(scene, owner, thief, later)


def test_a_revoked_family_is_revoked_once(scene, strict):
    first = scene.tokens()
    scene.client.refresh(first["refresh_token"])
    scene.client.refresh(first["refresh_token"])

    with nothing_changes():
        assert_refused(scene.client.refresh(first["refresh_token"]), INVALID_GRANT)

    assert reasons("token.refresh_denied") == ["refresh_reused", "family_revoked"]
    assert len(recorded("family.revoked")) == 1


def test_other_families_of_the_same_user_and_client_go_on(scene, strict):
    first, other = scene.tokens(), scene.tokens()
    scene.client.refresh(first["refresh_token"])
    scene.client.refresh(first["refresh_token"])

    assert scene.is_active(other["access_token"])
    assert scene.client.refresh(other["refresh_token"]).status_code == 200


def test_an_expired_used_token_is_still_recognised(frozen_clock, scene, override_config):
    override_config(tokens={"refresh_ttl": 100})
    first = scene.tokens()
    frozen_clock.shift(50)
    second = scene.client.refresh(first["refresh_token"]).json()

    frozen_clock.shift(80)
    assert_refused(scene.client.refresh(first["refresh_token"]), INVALID_GRANT)

    assert reasons("token.refresh_denied") == ["refresh_reused"]
    assert_ended(scene, second)


# --- The window: a lost answer can be asked for again --------------------------------------------


def test_within_the_window_the_same_whole_answer_comes_again(frozen_clock, scene):
    first = scene.tokens()
    answer = scene.client.refresh(first["refresh_token"])
    before = rows()

    frozen_clock.shift(10)
    with nothing_changes():
        again = scene.client.refresh(first["refresh_token"])

    assert (again.status_code, again.content) == (200, answer.content)
    assert rows() == before
    assert len(recorded("token.refreshed")) == 1
    assert scene.client.refresh(again.json()["refresh_token"]).status_code == 200


def test_the_answer_comes_again_as_often_as_it_is_asked_for(frozen_clock, scene):
    first = scene.tokens()
    answer = scene.client.refresh(first["refresh_token"], scope="read")

    with nothing_changes():
        for _ in range(4):
            again = scene.client.refresh(first["refresh_token"], scope="read")
            assert again.content == answer.content


@pytest.mark.spec("RFC 9700", "4.14.2", "MUST", "a replayed refresh token ends its family")
def test_after_the_window_a_second_use_ends_the_family(frozen_clock, scene):
    first = scene.tokens()
    second = scene.client.refresh(first["refresh_token"]).json()

    frozen_clock.shift(10.001)
    assert_refused(scene.client.refresh(first["refresh_token"]), INVALID_GRANT)

    assert_ended(scene, first, second)


@pytest.mark.spec("RFC 9700", "4.14.2", "MUST", "a replayed refresh token ends its family")
def test_after_the_successor_was_used_a_second_use_ends_the_family(frozen_clock, scene):
    """Its use shows that the answer arrived: nobody honest still asks for it."""
    first = scene.tokens()
    second = scene.client.refresh(first["refresh_token"]).json()
    third = scene.client.refresh(second["refresh_token"]).json()

    assert_refused(scene.client.refresh(first["refresh_token"]), INVALID_GRANT)

    assert_ended(scene, first, second, third)


def test_another_scope_than_the_first_time_is_refused_and_ends_nothing(frozen_clock, scene):
    first = scene.tokens(scope="read write")
    second = scene.client.refresh(first["refresh_token"], scope="read").json()

    with nothing_changes():
        for scope in ("write", None, "read write"):
            assert_refused(scene.client.refresh(first["refresh_token"], scope=scope), INVALID_GRANT)

    assert reasons("token.refresh_denied") == ["refresh_replay_differs"] * 3
    assert scene.is_active(second["access_token"])
    assert scene.client.refresh(first["refresh_token"], scope="read").json() == second


def test_a_wider_scope_than_allowed_is_refused_and_ends_nothing(frozen_clock, scene):
    first = scene.tokens(scope="read")
    second = scene.client.refresh(first["refresh_token"]).json()

    with nothing_changes():
        assert_refused(scene.client.refresh(first["refresh_token"], scope="write"), INVALID_SCOPE)
    assert scene.is_active(second["access_token"])


def test_another_resource_than_the_first_time_is_refused_and_ends_nothing(frozen_clock, scene):
    first, other = scene.tokens(), make_resource()
    second = scene.client.refresh(first["refresh_token"]).json()

    with nothing_changes():
        assert_refused(
            scene.client.refresh(first["refresh_token"], resource=other.uri), INVALID_TARGET
        )
        assert_refused(
            scene.client.refresh(first["refresh_token"], resource=scene.resource.uri),
            INVALID_GRANT,
        )
    assert scene.is_active(second["access_token"])


@pytest.mark.parametrize("defect", ["suspended", "disabled", "revoked family"])
def test_what_has_ended_meanwhile_is_not_repeated(frozen_clock, scene, defect):
    first = scene.tokens()
    second = scene.client.refresh(first["refresh_token"]).json()
    expected = INVALID_GRANT
    if defect == "suspended":
        change_client(scene.client, status="suspended")
        expected = INVALID_CLIENT
    elif defect == "disabled":
        scene.user.status = "disabled"
        scene.user.save()
    else:
        scene.client.revoke(second["refresh_token"])

    with nothing_changes():
        assert_refused(scene.client.refresh(first["refresh_token"]), expected)


def test_a_replay_in_other_hands_gets_nothing(frozen_clock, scene):
    first, thief = scene.tokens(), scene.another_client()
    second = scene.client.refresh(first["refresh_token"]).json()

    with nothing_changes():
        assert_refused(thief.refresh(first["refresh_token"]), INVALID_GRANT)
    assert scene.is_active(second["access_token"])


def test_the_database_alone_does_not_reveal_the_kept_answer(scene):
    from oauth.models import RefreshToken

    first = scene.tokens()
    second = scene.client.refresh(first["refresh_token"]).json()

    sealed = bytes(RefreshToken.objects.exclude(replay_sealed=None).get().replay_sealed)
    for name in ("access_token", "refresh_token"):
        assert second[name].encode() not in sealed


def test_a_wider_window_can_be_set(frozen_clock, scene, override_config):
    override_config(tokens={"refresh_replay_window": 60})
    first = scene.tokens()
    answer = scene.client.refresh(first["refresh_token"])

    frozen_clock.shift(59)
    assert scene.client.refresh(first["refresh_token"]).content == answer.content
    frozen_clock.shift(2)
    assert_refused(scene.client.refresh(first["refresh_token"]), INVALID_GRANT)
