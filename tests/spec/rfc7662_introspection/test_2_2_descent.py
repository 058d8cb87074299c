"""RFC 7662 section 2.2: a token that was exchanged is active only while all it came from is."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction

from authplane.core.ids import uuid7
from tests.support import factories
from tests.support.digests import nothing_changes
from tests.support.lineage import chain, issue, received
from tests.support.record import reasons, recorded
from tests.support.scene import row_of

INACTIVE = {"active": False}
DEPTH = 10


@pytest.fixture
def agent(scene):
    """A further client, which holds what others handed on."""
    return row_of(scene.another_machine())


@pytest.fixture
def first(scene):
    """The user's own token, from which everything else descends."""
    return received(scene.tokens()["access_token"])


@pytest.fixture
def last(scene, agent, first):
    """The token at the end of the longest line there is."""
    return chain(
        agent, resource=scene.resource.uri, length=DEPTH, first=first, user_id=scene.user.pk
    )


def answer(scene, token):
    with nothing_changes():
        return scene.watcher.introspect(token.token).json()


@pytest.mark.spec("RFC 7662", "2.2", "MUST", "active means not revoked, by nothing it came from")
def test_the_end_of_a_long_line_is_active(scene, last):
    from oauth.tokens.standing import read_standing

    assert answer(scene, last)["active"] is True
    assert read_standing(last.jti).ancestors == DEPTH


def test_a_token_without_a_history_has_no_ancestors(scene, first):
    from oauth.tokens.standing import read_standing

    assert read_standing(first.jti).ancestors == 0


@pytest.mark.parametrize("distance", [1, 5, DEPTH])
def test_revoking_an_ancestor_ends_what_came_from_it(scene, first, agent, distance):
    from oauth.tokens.ledger import revoke_access

    user = {"resource": scene.resource.uri, "user_id": scene.user.pk}
    middle = chain(agent, length=DEPTH - distance, first=first, **user)
    last = chain(agent, length=distance, first=middle, **user)
    assert answer(scene, last)["active"] is True

    revoke_access(jti=middle.jti, cause="explicit", now=middle.row.created)

    assert answer(scene, last) == INACTIVE
    assert reasons("token.introspect_denied") == ["ancestor_ended"]
    assert (answer(scene, first) == INACTIVE) == (distance == DEPTH), "upwards nothing ends"


def test_the_holder_of_the_first_token_ends_all(scene, first, last):
    assert scene.client.revoke(first.token).status_code == 200

    assert answer(scene, last) == INACTIVE
    assert last.row.revoked_at is None, "nothing had to be written for it"


def test_the_end_of_the_family_reaches_the_end_of_the_line(scene, first, last):
    from oauth.models import TokenFamily

    TokenFamily.objects.filter(pk=first.row.family_id).update(revoked_at=first.row.created)
    assert answer(scene, last) == INACTIVE


def test_a_family_that_is_gone_has_ended(scene, first, last):
    from oauth.models import TokenFamily

    TokenFamily.objects.filter(pk=first.row.family_id).delete()
    assert answer(scene, last) == INACTIVE


@pytest.mark.parametrize("status", ["suspended", "revoked"])
def test_a_client_that_stopped_stops_what_others_made_of_its_tokens(scene, last, status):
    from oauth.models import Client

    Client.objects.filter(client_id=scene.client.client_id).update(status=status)

    assert answer(scene, last) == INACTIVE
    assert reasons("token.introspect_denied") == ["ancestor_ended"]


def test_a_client_that_works_again_brings_back_what_was_not_revoked(scene, agent, first, last):
    from oauth.clients.services import reactivate_client, suspend_client
    from oauth.tokens.ledger import revoke_access

    user = {"resource": scene.resource.uri, "user_id": scene.user.pk}
    ended = issue(agent, parent=first.jti, **user)
    suspend_client(scene.client.client_id)
    revoke_access(jti=ended.jti, cause="admin", now=ended.row.created)
    assert answer(scene, last) == INACTIVE

    reactivate_client(scene.client.client_id)

    assert answer(scene, last)["active"] is True
    assert answer(scene, ended) == INACTIVE, "what was revoked meanwhile stays revoked"


def test_a_client_that_is_deleted_takes_the_line_with_it(scene, last):
    from oauth.clients.services import delete_client

    delete_client(scene.client.client_id, force=True)

    assert answer(scene, last) == INACTIVE


def test_a_disabled_user_stops_the_whole_line(scene, last):
    scene.user.status = "disabled"
    scene.user.save()

    assert answer(scene, last) == INACTIVE


def test_a_user_who_is_enabled_again_has_back_what_was_not_revoked(scene, agent, first, last):
    from authplane.accounts.services import disable_user, enable_user
    from oauth.tokens.ledger import revoke_access

    ended = issue(agent, parent=first.jti, resource=scene.resource.uri, user_id=scene.user.pk)
    disable_user(user_id=scene.user.pk)
    revoke_access(jti=ended.jti, cause="admin", now=ended.row.created)
    assert answer(scene, last) == INACTIVE

    enable_user(user_id=scene.user.pk)

    assert answer(scene, last)["active"] is True
    assert answer(scene, ended) == INACTIVE


def test_an_ancestor_that_the_ledger_lost_counts_as_ended(scene, first, last):
    from oauth.models import AccessToken

    AccessToken.objects.filter(pk=first.jti).delete()

    assert answer(scene, last) == INACTIVE
    assert reasons("token.introspect_denied") == ["ancestor_unknown"]


def test_a_line_that_never_ends_is_read_to_its_limit_and_no_further(scene, agent, first):
    """Rows that name each other in a circle cannot come to be; they must not hang us either."""
    from oauth.models import AccessToken

    user = {"resource": scene.resource.uri, "user_id": scene.user.pk}
    one = issue(agent, parent=first.jti, **user)
    other = issue(agent, parent=one.jti, **user)
    AccessToken.objects.filter(pk=one.jti).update(parent=other.jti)

    assert answer(scene, other) == INACTIVE


def test_a_longer_line_than_is_ever_issued_is_inactive(scene, agent, first):
    from oauth.tokens.standing import MAX_ANCESTORS

    user = {"resource": scene.resource.uri, "user_id": scene.user.pk}
    longest = chain(agent, length=MAX_ANCESTORS, first=first, **user)
    assert answer(scene, longest)["active"] is True
    assert answer(scene, issue(agent, parent=longest.jti, **user)) == INACTIVE


# --- Consent --------------------------------------------------------------------------------------


@pytest.fixture
def elsewhere(scene):
    """A second resource of the same resource server, which the user allowed the client too."""
    return factories.make_resource(policy={"runtime": {"client_ids": [scene.watcher.client_id]}})


def allow(user, client, resource):
    from oauth.models import ConsentGrant

    return ConsentGrant.objects.get_or_create(
        user=user, client=row_of(client), resource=resource, defaults={"scopes": ["read"]}
    )[0]


def take_back(consent):
    from authplane.core import clock
    from oauth.consent.revocation import revoke_consent

    assert revoke_consent(consent_id=consent.pk, user=consent.user, now=clock.now())


def rests_on_consent(scene, agent, first, resource):
    return issue(
        agent,
        resource=resource.uri,
        user_id=scene.user.pk,
        parent=first.jti,
        consent_client=row_of(scene.client).pk,
    )


def test_consent_taken_back_ends_what_was_exchanged_from_the_clients_tokens(scene, last):
    take_back(allow(scene.user, scene.client, scene.resource))

    assert answer(scene, last) == INACTIVE
    assert last.row.revoked_reason == "consent_revoked"


def test_consent_taken_back_ends_what_rests_on_it_at_another_resource(
    scene, agent, first, elsewhere
):
    consent = allow(scene.user, scene.client, elsewhere)
    resting = rests_on_consent(scene, agent, first, elsewhere)
    below = chain(
        agent, resource=scene.resource.uri, length=3, first=resting, user_id=scene.user.pk
    )
    assert answer(scene, below)["active"] is True

    take_back(consent)

    assert answer(scene, resting) == answer(scene, below) == INACTIVE
    assert resting.row.revoked_reason == below.row.revoked_reason == "consent_revoked"
    assert answer(scene, first)["active"] is True, "another consent, which still stands"


def test_a_token_that_was_being_issued_when_consent_ended_is_inactive(
    scene, agent, first, elsewhere
):
    """Its own row came after the rows were marked; the consent's row is asked as well."""
    from oauth.models import AccessToken

    consent = allow(scene.user, scene.client, elsewhere)
    resting = rests_on_consent(scene, agent, first, elsewhere)
    below = issue(agent, resource=scene.resource.uri, user_id=scene.user.pk, parent=resting.jti)
    take_back(consent)
    AccessToken.objects.update(revoked_at=None, revoked_reason="")

    assert answer(scene, resting) == answer(scene, below) == INACTIVE
    assert reasons("token.introspect_denied") == ["consent_revoked"] * 2


def test_consent_of_others_and_of_other_clients_is_not_touched(scene, agent, elsewhere):
    somebody = factories.make_user()
    theirs = issue(
        agent,
        resource=elsewhere.uri,
        user_id=somebody.pk,
        consent_client=row_of(scene.client).pk,
    )
    of_another = issue(
        agent, resource=elsewhere.uri, user_id=scene.user.pk, consent_client=agent.pk
    )

    take_back(allow(scene.user, scene.client, elsewhere))

    assert answer(scene, theirs)["active"] is answer(scene, of_another)["active"] is True


def test_allowing_it_again_brings_nothing_back(scene, agent, first, elsewhere):
    """Not even a token that was being issued while the first consent ended."""
    from oauth.consent.services import widen_consent
    from oauth.models import AccessToken
    from oauth.resources.selectors import view_of

    client = row_of(scene.client)
    resting = rests_on_consent(scene, agent, first, elsewhere)
    own = issue(client, resource=elsewhere.uri, user_id=scene.user.pk)
    take_back(allow(scene.user, scene.client, elsewhere))
    AccessToken.objects.update(revoked_at=None, revoked_reason="")
    view = view_of(elsewhere)

    with transaction.atomic():
        widen_consent(
            user=scene.user, client=client, resource=view, scopes=["read"], now=resting.row.created
        )

    assert answer(scene, resting) == INACTIVE
    assert answer(scene, own)["active"] is True, "it never rested on consent"


def test_what_an_upstream_service_issued_is_not_said_to_be_revoked(scene, agent, first, elsewhere):
    vend = issue(
        agent,
        kind="vend",
        resource=elsewhere.uri,
        user_id=scene.user.pk,
        parent=first.jti,
        consent_client=row_of(scene.client).pk,
    )
    take_back(allow(scene.user, scene.client, elsewhere))

    assert vend.row.revoked_at is None


def test_expired_tokens_are_not_marked(frozen_clock, scene, agent, first, elsewhere):
    consent = allow(scene.user, scene.client, elsewhere)
    resting = rests_on_consent(scene, agent, first, elsewhere)
    frozen_clock.shift(timedelta(hours=2))

    take_back(consent)

    assert resting.row.revoked_at is None


def test_taking_back_consent_costs_the_same_for_one_token_and_for_a_hundred(
    scene, agent, first, elsewhere
):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    costs = []
    for length in (1, 100):
        consent = allow(scene.user, scene.client, elsewhere)
        type(consent).objects.update(revoked_at=None)
        for _ in range(length):
            rests_on_consent(scene, agent, first, elsewhere)
        consent.user = scene.user
        with CaptureQueriesContext(connection) as counted:
            take_back(consent)
        costs.append(len(counted))
    assert costs[0] == costs[1]


def _end_row(token):
    type(token.row).objects.filter(pk=token.jti).update(revoked_at=token.row.created)


def _end_family(token):
    from oauth.models import TokenFamily

    TokenFamily.objects.filter(pk=token.row.family_id).update(revoked_at=token.row.created)


def _forget_family(token):
    type(token.row).objects.filter(pk=token.jti).update(family_id=uuid7())


def _suspend_client(token):
    from oauth.models import Client

    Client.objects.filter(pk=token.row.application_id).update(status="suspended")


def _disable_user(token):
    from authplane.accounts.models import User

    User.objects.filter(pk=token.row.user_id).update(status="disabled")


def _orphan(token):
    type(token.row).objects.filter(pk=token.jti).update(parent=uuid7())


@pytest.mark.parametrize(
    "end", [None, _end_row, _end_family, _forget_family, _suspend_client, _disable_user, _orphan]
)
def test_the_record_tells_what_the_answer_said(scene, first, end):
    """The statement that reads a token's standing may write the record; it must see the same."""
    if end:
        end(first)

    active = scene.watcher.introspect(first.token).json()["active"]

    assert active == (end is None)
    assert len(recorded("token.introspected")) == active
    assert len(recorded("token.introspect_denied")) == (not active)
