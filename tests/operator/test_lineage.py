"""`manage.py lineage`: where a token came from, what came of it, and what each is worth."""

from __future__ import annotations

import io
import json
import re
import uuid

import pytest
from django.core.management import CommandError, call_command

from tests.support.lineage import chain, issue, received
from tests.support.queries import query_budget
from tests.support.scene import change_client, row_of


def run(jti, **options):
    output = io.StringIO()
    call_command("lineage", str(jti), stdout=output, **options)
    return output.getvalue()


def run_json(jti):
    return json.loads(run(jti, json=True))


def refusal(jti):
    with pytest.raises(CommandError) as refused:
        run(jti)
    return str(refused.value)


@pytest.fixture
def first(scene):
    return received(scene.tokens()["access_token"])


@pytest.fixture
def user(scene):
    return {"resource": scene.resource.uri, "user_id": scene.user.pk}


@pytest.fixture
def agent(scene):
    return row_of(scene.machine)


def states(jti):
    return [(token["state"], token.get("reason", "")) for token in run_json(jti)["tokens"]]


def test_the_whole_line_is_told_from_any_token_of_it(scene, agent, first, user):
    middle = issue(
        agent, parent=first.jti, actors={"sub": "gateway"}, consent_client=agent.pk, **user
    )
    last = issue(agent, parent=middle.jti, dpop_jkt="a-key", **user)

    for asked in (first, middle, last):
        told = run_json(asked.jti)
        assert (told["jti"], told["is_cut"]) == (str(asked.jti), False)
        by_id = {token["jti"]: token for token in told["tokens"]}
        assert list(by_id) == [str(first.jti), str(middle.jti), str(last.jti)]
        assert [token["level"] for token in told["tokens"] if token["jti"] == told["jti"]] == [0]

    assert by_id[str(first.jti)] == {
        "jti": str(first.jti),
        "level": -2,
        "kind": "authorization_code",
        "client_id": scene.client.client_id,
        "user_id": str(scene.user.pk),
        "subject": str(scene.user.pk),
        "resource": scene.resource.uri,
        "scopes": ["read"],
        "family_id": str(first.row.family_id),
        "issued_at": f"{first.row.created:%Y-%m-%dT%H:%M:%SZ}",
        "expires_at": f"{first.row.expires:%Y-%m-%dT%H:%M:%SZ}",
        "state": "active",
    }
    assert by_id[str(middle.jti)]["parent"] == str(first.jti)
    assert by_id[str(middle.jti)]["actors"] == {"sub": "gateway"}
    assert by_id[str(middle.jti)]["consent_client"] == agent.client_id
    assert by_id[str(last.jti)]["dpop_jkt"] == "a-key"


def test_people_see_a_tree(scene, agent, first, user):
    second = issue(agent, parent=first.jti, actors={"sub": "b", "act": {"sub": "a"}}, **user)
    issue(agent, parent=second.jti, **user)
    issue(agent, parent=second.jti, **user)

    lines = run(second.jti).splitlines()

    heads = [line for line in lines if re.fullmatch(r" *(`- )?[0-9a-f-]{36}( \*)?", line)]
    assert heads[:2] == [f"{first.jti}", f"`- {second.jti} *"]
    assert [line[:5] for line in heads[2:]] == ["  `- ", "  `- "]
    assert any("actors=b <- a" in line for line in lines)
    assert any(f"by {agent.client_id} for {scene.user.pk}" in line for line in lines)
    assert sum("active until" in line for line in lines) == 4


def test_relatives_that_are_neither_above_nor_below_are_not_shown(agent, first, user):
    one, other = (issue(agent, parent=first.jti, **user) for _ in range(2))

    assert str(other.jti) not in run(one.jti)
    assert str(other.jti) in run(first.jti)


def test_each_state_is_told_with_its_reason(frozen_clock, scene, agent, first, user):
    from authplane.core import clock
    from oauth.tokens.ledger import revoke_access

    second = issue(agent, parent=first.jti, **user)
    third = issue(agent, parent=second.jti, **user)
    assert states(third.jti) == [("active", "")] * 3

    revoke_access(jti=second.jti, cause="explicit", now=clock.now())
    assert states(first.jti) == [
        ("active", ""),
        ("ended", "issuance_revoked"),
        ("ended", "ancestor_ended"),
    ]
    assert "ended: issuance_revoked at 2026-03-14T09:26:53Z" in run(third.jti)

    change_client(scene.client, status="suspended")
    assert states(third.jti)[0] == ("ended", "issuing_client_inactive")

    change_client(scene.client, status="active")
    frozen_clock.shift(900)
    assert states(first.jti)[0] == ("expired", "")
    assert "expired since 2026-03-14T09:41:53Z" in run(first.jti)


def test_consent_that_was_taken_back_is_the_reason(scene, agent, first, user):
    from oauth.models import AccessToken, ConsentGrant

    second = issue(agent, parent=first.jti, consent_client=row_of(scene.client).pk, **user)
    ConsentGrant.objects.update(revoked_at=second.row.created)
    AccessToken.objects.update(revoked_at=None)

    assert states(second.jti)[-1] == ("ended", "consent_revoked")


def test_what_the_command_says_is_what_introspection_says(scene, agent, first, user):
    last = chain(agent, length=3, first=first, **user)
    assert scene.is_active(last.token)
    scene.client.revoke(first.token)

    assert not scene.is_active(last.token)
    assert {state for state, _ in states(last.jti)} == {"ended"}


def test_a_line_whose_beginning_is_gone_says_so(agent, first, user):
    from oauth.models import AccessToken

    second = issue(agent, parent=first.jti, **user)
    AccessToken.objects.filter(pk=first.jti).delete()

    assert states(second.jti) == [("ended", "ancestor_unknown")]


def test_what_an_upstream_service_issued_is_never_said_to_have_ended(scene, agent, first, user):
    vend = issue(agent, kind="vend", parent=first.jti, **user)
    scene.client.revoke(first.token)

    assert states(vend.jti) == [("ended", "issuance_revoked"), ("active", "")]


def test_a_client_that_is_gone_is_said_to_be(scene, first):
    row_of(scene.client).delete()

    assert "by a client that is gone" in run(first.jti)


def test_a_crowd_of_descendants_is_cut(monkeypatch, agent, first, user):
    from oauth.models import AccessToken
    from oauth.tokens import lineage

    model = issue(agent, parent=first.jti, **user).row
    fields = {
        field.attname: getattr(model, field.attname)
        for field in AccessToken._meta.fields
        if field.attname != "id"
    }
    AccessToken.objects.bulk_create(AccessToken(**fields) for _ in range(lineage.MAX_TOKENS))

    told = run_json(first.jti)

    assert told["is_cut"] is True
    assert len(told["tokens"]) == lineage.MAX_TOKENS
    assert "the rest is not shown" in run(first.jti)


def test_however_long_the_line_one_statement_reads_it(agent, first, user):
    last = chain(agent, length=10, first=first, **user)
    with query_budget(1):
        run(last.jti)


def test_an_unknown_id_is_an_error(db):
    unknown = uuid.uuid4()
    assert f"no token with jti {unknown} is in the ledger" in refusal(unknown)


def test_a_token_in_place_of_an_id_is_not_repeated(scene, first):
    """Whoever pastes the whole token must not find it in the terminal's log a second time."""
    message = refusal(first.token)

    assert "a jti is a UUID" in message
    assert first.token[:20] not in message
