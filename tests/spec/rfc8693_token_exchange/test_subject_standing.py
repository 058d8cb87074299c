"""RFC 8693 section 2.2.2: a subject token counts only while all that it came from does."""

from __future__ import annotations

import uuid

import pytest

from authplane.core import clock
from tests.support.digests import nothing_changes
from tests.support.exchanging import row


def jti_of(delegation, token):
    return uuid.UUID(delegation.claims(token)["jti"])


def revoke_first(delegation, first):
    assert delegation.agent.revoke(first).status_code == 200


def end_family(delegation, first):
    from oauth.models import AccessToken
    from oauth.tokens.families import revoke_family

    family = AccessToken.objects.get(pk=jti_of(delegation, first)).family_id
    revoke_family(
        family_id=family, cause="reuse_detection", now=clock.now(), client_id="c", actor_id="u"
    )


def suspend_client(delegation, first):
    from oauth.clients.services import suspend_client

    suspend_client(delegation.agent.client_id)


def disable_user(delegation, first):
    from authplane.accounts.services import disable_user

    disable_user(user_id=delegation.user.pk)


def take_back_consent(delegation, first):
    from oauth.consent.revocation import revoke_consent
    from oauth.models import ConsentGrant

    consent = ConsentGrant.objects.get(client=row(delegation.agent), resource=delegation.front)
    assert revoke_consent(consent_id=consent.pk, user=delegation.user, now=clock.now())


def lose_first(delegation, first):
    from oauth.models import AccessToken

    AccessToken.objects.filter(pk=jti_of(delegation, first)).delete()


@pytest.mark.spec("RFC 8693", "2.2.2", "MUST", "a token that came of one that ended is refused")
@pytest.mark.parametrize(
    "end",
    [revoke_first, end_family, suspend_client, disable_user, take_back_consent, lose_first],
)
def test_the_end_of_the_first_token_ends_the_second_as_subject_token(
    delegation, override_config, end
):
    override_config(exchange={"allow_self_exchange": True})
    delegation.consent("read")
    first = delegation.subject_token()
    second = delegation.exchanged(first, scope="read")["access_token"]
    third = delegation.gateway.exchange(second, resource=delegation.back.uri)
    assert third.status_code == 200, third.text

    end(delegation, first)

    for token in (second, third.json()["access_token"]):
        with nothing_changes():
            refused = delegation.gateway.exchange(token, resource=delegation.back.uri)
        assert refused.json()["error"] == "invalid_grant", refused.text
        assert refused.status_code == 400
        assert not delegation.scene.is_active(token)


def test_the_refusal_is_that_of_a_revoked_token(delegation, override_config):
    override_config(exchange={"allow_self_exchange": True})
    delegation.consent("read")
    first = delegation.subject_token()
    second = delegation.exchanged(first, scope="read")["access_token"]
    delegation.agent.revoke(first)

    revoked = delegation.exchange(first, scope="read")
    descended = delegation.gateway.exchange(second, resource=delegation.back.uri)

    assert revoked.json() == descended.json()


def test_an_opaque_subject_token_is_exchanged_like_a_jwt(delegation, override_config):
    override_config(exchange={"allow_self_exchange": True})
    delegation.consent("read")
    delegation.policy(delegation.front, **delegation.front.policy, token_format="opaque")
    delegation.policy(delegation.back, **delegation.back.policy, token_format="opaque")
    first = delegation.subject_token()
    assert "." not in first

    second = delegation.exchanged(first, scope="read")["access_token"]
    third = delegation.gateway.exchange(second, resource=delegation.back.uri)

    assert third.status_code == 200, third.text
    handle = third.json()["access_token"]
    told = delegation.scene.watcher.introspect(handle).json()
    assert (told["active"], told["sub"]) == (True, str(delegation.user.pk))
    assert told["act"]["sub"] == delegation.gateway.client_id
    assert told["auth_time"]
    delegation.agent.revoke(first)
    assert not delegation.scene.is_active(handle)
    with nothing_changes():
        refused = delegation.gateway.exchange(handle, resource=delegation.back.uri)
    assert refused.json()["error"] == "invalid_grant"


def test_a_forged_handle_is_no_subject_token(delegation):
    with nothing_changes():
        refused = delegation.exchange("apat_" + "A" * 64, scope="read")
    assert refused.json()["error"] == "invalid_grant"
