"""RFC 7636 section 4.6: the verifier is the one the challenge was made from."""

from __future__ import annotations

import pytest

from tests.support.digests import nothing_changes
from tests.support.oauth_client import pkce_pair
from tests.support.record import reasons
from tests.support.refusals import VERIFIER_MISSING, VERIFIER_WRONG, assert_refused


@pytest.mark.spec("RFC 7636", "4.6", "MUST", "the verifier is checked")
def test_another_verifier_is_refused_and_spends_nothing(scene):
    authorization = scene.authorize()

    with nothing_changes():
        assert_refused(
            scene.client.redeem(authorization, code_verifier=pkce_pair()[0]), VERIFIER_WRONG
        )

    assert reasons("token.issue_denied") == ["verifier_mismatch"]
    assert scene.client.redeem(authorization).status_code == 200


@pytest.mark.spec("RFC 7636", "4.3", "MUST", "the plain method is refused")
@pytest.mark.spec("RFC 7636", "4.6", "MUST", "the verifier is checked")
def test_the_challenge_itself_is_no_verifier(scene):
    """As it would be with the method plain."""
    authorization = scene.authorize()

    with nothing_changes():
        assert_refused(
            scene.client.redeem(authorization, code_verifier=authorization.sent["code_challenge"]),
            VERIFIER_WRONG,
        )


def test_the_method_cannot_be_chosen_at_the_token_endpoint(scene):
    authorization = scene.authorize()

    with nothing_changes():
        assert_refused(
            scene.client.redeem(
                authorization,
                code_verifier=authorization.sent["code_challenge"],
                code_challenge_method="plain",
                code_challenge=authorization.sent["code_challenge"],
            ),
            VERIFIER_WRONG,
        )


@pytest.mark.spec("RFC 7636", "4.6", "MUST", "a missing verifier is refused")
@pytest.mark.parametrize("verifier", [None, ""])
def test_a_missing_verifier_is_refused(scene, verifier):
    authorization = scene.authorize()

    with nothing_changes():
        assert_refused(scene.client.redeem(authorization, code_verifier=verifier), VERIFIER_MISSING)
    assert scene.client.redeem(authorization).status_code == 200


@pytest.mark.spec("RFC 9700", "2.1.1", "MUST", "PKCE is required of public clients")
def test_a_confidential_client_needs_the_verifier_as_well(scene):
    authorization = scene.machine.authorize(scene.person)

    with nothing_changes():
        assert_refused(scene.machine.redeem(authorization, code_verifier=None), VERIFIER_MISSING)


@pytest.mark.spec("RFC 9700", "2.1.1", "MUST", "a verifier without a challenge is refused")
def test_a_code_that_lost_its_challenge_is_worth_nothing(scene):
    """No request can make such a code; should one ever exist, no verifier redeems it."""
    from oauth.models import AuthorizationCode

    authorization = scene.authorize()
    AuthorizationCode.objects.update(code_challenge="")

    with nothing_changes():
        assert_refused(scene.client.redeem(authorization), VERIFIER_WRONG)


def test_the_verifier_of_another_code_is_wrong(scene):
    one, other = scene.authorize(), scene.authorize()

    with nothing_changes():
        assert_refused(scene.client.redeem(one, code_verifier=other.verifier), VERIFIER_WRONG)
