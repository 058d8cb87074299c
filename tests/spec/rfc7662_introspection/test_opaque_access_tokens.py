"""Opaque access tokens (RFC 6749 section 1.4): nothing to read, everything to ask."""

from __future__ import annotations

import base64
import hashlib
import string
import uuid

import pytest
from django.db import connection

from tests.support import factories
from tests.support.digests import nothing_changes
from tests.support.lineage import issue
from tests.support.queries import query_budget
from tests.support.record import reasons, recorded
from tests.support.refusals import INVALID_TOKEN, assert_refused
from tests.support.scene import row_of

INACTIVE = {"active": False}
PREFIX = "apat_"


@pytest.fixture(autouse=True)
def _opaque(scene):
    """The resource of the scene wants handles."""
    from oauth.resources import selectors

    scene.resource.policy = scene.resource.policy | {"token_format": "opaque"}
    scene.resource.save()
    selectors._directories.forget()


def raw(token):
    body = token.removeprefix(PREFIX)
    return base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))


def as_token(payload):
    return PREFIX + base64.urlsafe_b64encode(payload).rstrip(b"=").decode()


def row_behind(token):
    from oauth.models import AccessToken

    return AccessToken.objects.get(pk=uuid.UUID(bytes=raw(token)[:16]))


def received_row(scene):
    return row_behind(scene.tokens()["access_token"])


@pytest.mark.spec("RFC 6749", "1.4", "MAY", "an access token is an identifier of the authorization")
def test_a_resource_that_wants_handles_gets_handles(scene):
    answer = scene.tokens()

    token = answer["access_token"]
    assert token.startswith(PREFIX)
    assert len(token) == 69
    assert (answer["token_type"], answer["expires_in"], answer["scope"]) == ("Bearer", 900, "read")


def test_every_grant_gives_them(scene):
    refreshed = scene.client.refresh(scene.tokens()["refresh_token"]).json()["access_token"]

    assert refreshed.startswith(PREFIX)
    assert scene.machine_token().startswith(PREFIX)


def test_other_resources_and_this_server_itself_get_jwts(scene):
    other = factories.make_resource()

    assert scene.machine_token(resource=other.uri).count(".") == 2
    own = scene.tokens(resource=None, scope="openid")["access_token"]
    assert own.count(".") == 2
    assert scene.client.userinfo(own).status_code == 200


def test_a_handle_says_nothing_but_its_id(scene):
    token = scene.tokens()["access_token"]
    content = raw(token)

    assert len(content) == 48
    row_behind(token)
    for told in (scene.user.email, str(scene.user.pk), scene.client.client_id, scene.resource.uri):
        assert told.encode() not in content
        assert told not in token


def test_the_database_holds_neither_the_handle_nor_a_digest_of_it(scene):
    token = scene.tokens()["access_token"]
    digests = {
        token,
        token.removeprefix(PREFIX),
        hashlib.sha256(token.encode()).hexdigest(),
        raw(token)[16:].hex(),
    }
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608
            everything = repr(
                [
                    [bytes(value) if isinstance(value, memoryview) else value for value in row]
                    for row in cursor.fetchall()
                ]
            )
            assert not [digest for digest in digests if digest in everything], table


def test_a_text_that_is_logged_does_not_show_it(scene):
    from authplane.core.logging import redact

    token = scene.machine_token()
    assert token[8:] not in redact(f"something went wrong with {token}, which nobody expected")


def test_introspection_says_of_a_handle_what_it_says_of_a_jwt(frozen_clock, scene):
    from oauth.resources import selectors

    handle = scene.tokens()["access_token"]
    row = row_behind(handle)
    opaque = scene.watcher.introspect(handle).json()
    scene.resource.policy = scene.resource.policy | {"token_format": "jwt"}
    scene.resource.save()
    selectors._directories.forget()
    readable = scene.watcher.introspect(scene.tokens()["access_token"]).json()

    assert opaque["active"] is True
    assert opaque.pop("jti") == str(row.pk) != readable.pop("jti")
    assert opaque == readable
    assert recorded("token.introspected")[0] == {
        "jti": str(row.pk),
        "issuing_client": scene.client.client_id,
    }


def test_what_binds_and_who_acts_is_told_too(scene):
    from oauth.tokens.opaque import new_handle

    machine = row_of(scene.machine)
    machine.is_agent = True
    machine.save()
    thumbprint = base64.urlsafe_b64encode(bytes(range(32))).rstrip(b"=").decode()
    actors = {"sub": "second", "act": {"sub": "first"}}
    held = issue(
        machine,
        resource=scene.resource.uri,
        user_id=scene.user.pk,
        dpop_jkt="key-thumbprint",
        actors=actors,
    )

    answer = scene.watcher.introspect(new_handle(held.jti, certificate=thumbprint)).json()

    assert answer["cnf"] == {"jkt": "key-thumbprint", "x5t#S256": thumbprint}
    assert answer["token_type"] == "DPoP"
    assert answer["act"] == actors
    assert answer["agent_id"] == scene.machine.client_id
    assert answer["agent_chain"] == ["first", "second"]
    assert len(new_handle(held.jti, certificate=thumbprint)) == 112


def test_the_sign_in_is_told_however_far_up_it_lies(scene):
    from oauth.tokens.opaque import new_handle

    first = received_row(scene)
    at = {"resource": scene.resource.uri, "user_id": scene.user.pk}
    middle = issue(row_of(scene.machine), parent=first.pk, **at)
    last = issue(row_of(scene.machine), parent=middle.jti, **at)
    signed_in = scene.watcher.introspect(new_handle(first.pk)).json()

    told = scene.watcher.introspect(new_handle(last.jti)).json()

    assert signed_in["auth_time"]
    for name in ("auth_time", "acr", "amr"):
        assert told.get(name) == signed_in.get(name)


def test_a_machine_may_ask_about_its_own(scene):
    answer = scene.machine.introspect(scene.machine_token()).json()

    assert answer["sub"] == answer["client_id"] == scene.machine.client_id
    assert "username" not in answer


def test_a_stranger_learns_nothing(scene):
    stranger = scene.another_machine()
    token = scene.tokens()["access_token"]

    with nothing_changes():
        assert stranger.introspect(token).json() == INACTIVE
    assert reasons("token.introspect_denied") == ["caller_not_authorized_for_token"]


def test_one_statement_reads_it_and_one_records_it(scene):
    token = scene.tokens()["access_token"]
    scene.watcher.introspect(token)

    with query_budget(2):
        assert scene.watcher.introspect(token).json()["active"] is True


# --- What is no handle ----------------------------------------------------------------------------


def forgeries(token):
    content = raw(token)
    changed = bytearray(content)
    changed[15] ^= 1
    yield as_token(bytes(changed))
    changed = bytearray(content)
    changed[-1] ^= 1
    yield as_token(bytes(changed))
    yield as_token(content[:16] + bytes(32))
    yield as_token(content[:16] + hashlib.sha256(content[:16]).digest())
    yield as_token(content[:16] + bytes(32) + content[16:])
    yield token[:-1]
    yield token + "="
    yield token + "A"
    yield token.removeprefix(PREFIX)
    yield token.upper()
    yield f" {token}"
    yield PREFIX + "!" * 64
    yield PREFIX + "\N{SNOWMAN}" * 64
    yield PREFIX


def test_a_handle_that_was_not_made_here_is_inactive(scene):
    for forged in forgeries(scene.tokens()["access_token"]):
        with nothing_changes():
            answer = scene.watcher.introspect(forged)
        assert (answer.status_code, answer.content) == (200, b'{"active":false}'), forged


def test_another_spelling_of_the_last_character_is_another_token(scene):
    """48 bytes leave no spare bits; 80 leave two, which must be zero."""
    from oauth.tokens.opaque import new_handle, read_handle

    made = new_handle(uuid.uuid4(), certificate="A" * 43)
    alphabet = string.ascii_letters + string.digits + "-_"
    assert [last for last in alphabet if read_handle(made[:-1] + last)] == [made[-1]]


def test_a_handle_of_a_row_that_is_gone_is_inactive(scene):
    token = scene.tokens()["access_token"]
    row_behind(token).delete()

    assert scene.watcher.introspect(token).json() == INACTIVE


def test_an_id_alone_is_no_token(scene):
    """Ids are in logs, in the audit record and in reports to operators."""
    jti = str(row_behind(scene.tokens()["access_token"]).pk)

    assert scene.watcher.introspect(jti).json() == INACTIVE


def test_a_handle_made_with_another_key_is_none(scene, override_config):
    token = scene.tokens()["access_token"]
    override_config(secrets={"integrity": "a quite different integrity key"})

    assert scene.watcher.introspect(token).json() == INACTIVE


def test_rotating_the_key_ends_no_token(scene, override_config):
    from authplane.core.config import config

    token = scene.tokens()["access_token"]
    override_config(
        secrets={"integrity": "the next integrity key", "integrity_old": config().secrets.integrity}
    )

    assert scene.is_active(token)
    assert scene.is_active(scene.machine_token())


def test_without_a_key_nothing_is_made(override_config):
    from oauth.tokens.opaque import new_handle

    override_config(secrets={"integrity": ""})
    with pytest.raises(ValueError, match="proves nothing"):
        new_handle(uuid.uuid4())


# --- What ends it ---------------------------------------------------------------------------------


def test_it_expires_when_a_jwt_would(frozen_clock, scene):
    token = scene.tokens()["access_token"]

    frozen_clock.shift(900 + 29)
    assert scene.is_active(token)
    frozen_clock.shift(1)
    with nothing_changes():
        assert scene.watcher.introspect(token).json() == INACTIVE


def test_its_holder_can_end_it(scene):
    token = scene.tokens()["access_token"]

    answer = scene.post("/oauth/revoke", {"token": token})

    assert (answer.status_code, answer.content) == (200, b"")
    assert scene.watcher.introspect(token).json() == INACTIVE
    assert reasons("token.introspect_denied") == ["issuance_revoked"]
    assert recorded("token.revoked") == [{"jti": str(row_behind(token).pk)}]


def test_its_own_client_can_end_it_and_another_cannot(scene):
    token = scene.machine_token()

    with nothing_changes():
        assert scene.watcher.revoke(token).status_code == 200
    assert scene.is_active(token)
    scene.machine.revoke(token)
    assert not scene.is_active(token)


def test_a_forged_handle_ends_nothing(scene):
    token = scene.machine_token()

    for forged in forgeries(token):
        with nothing_changes():
            assert scene.post("/oauth/revoke", {"token": forged}).status_code in {200, 400}
    assert scene.is_active(token)


def test_the_end_of_its_family_ends_it(scene):
    tokens = scene.tokens()
    scene.client.revoke(tokens["refresh_token"])

    assert scene.watcher.introspect(tokens["access_token"]).json() == INACTIVE


def test_the_end_of_what_it_came_from_ends_it(scene):
    from oauth.tokens.opaque import new_handle

    first = scene.tokens()["access_token"]
    second = issue(
        row_of(scene.machine),
        resource=scene.resource.uri,
        user_id=scene.user.pk,
        parent=row_behind(first).pk,
    )
    handle = new_handle(second.jti)
    assert scene.is_active(handle)

    scene.client.revoke(first)

    assert scene.watcher.introspect(handle).json() == INACTIVE
    assert reasons("token.introspect_denied") == ["ancestor_ended"]


def test_userinfo_refuses_it(scene):
    """Its audience is never this server."""
    token = scene.tokens()["access_token"]

    with nothing_changes():
        assert_refused(
            scene.client.userinfo(token), INVALID_TOKEN, media_type="application/problem+json"
        )
