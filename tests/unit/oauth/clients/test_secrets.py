"""How client secrets are made, stored and compared."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import bcrypt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from authplane.core.config import override_config
from oauth.clients import secrets
from oauth.models import Client

NOW = datetime(2026, 3, 14, tzinfo=UTC)


def verified(secret: str, client: Client, *, now: datetime = NOW) -> bool:
    return secrets.verify_secret(secret, client=client, now=now)


def test_a_new_secret_has_256_random_bits():
    made = {secrets.new_client_secret() for _ in range(5)}

    assert len(made) == 5
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", secret) for secret in made)


@given(st.text(max_size=40), st.text(max_size=40))
def test_only_the_same_secret_is_right(one, other):
    client = Client(client_secret=secrets.digest_secret(one))

    assert verified(other, client) == (one == other)
    assert one == "" or one not in client.client_secret or len(one) < 8


def test_a_public_client_has_no_secret_that_is_right():
    for text in ("", "x", secrets.digest_secret("")):
        assert not verified(text, Client(client_secret=""))


def test_the_digest_is_no_secret_and_needs_the_pepper():
    digest = secrets.digest_secret("s")
    assert not verified(digest, Client(client_secret=digest))

    with override_config(secrets={"pepper": "another pepper of enough length, number 2"}):
        assert secrets.digest_secret("s") != digest
        assert not verified("s", Client(client_secret=digest))


def test_the_pepper_before_this_one_counts_while_it_is_configured():
    with override_config(secrets={"pepper": "the old pepper of the server, long enough"}):
        client = Client(client_secret=secrets.digest_secret("s"))
        assert not secrets.needs_rehash("s", client=client)
    with override_config(
        secrets={
            "pepper": "the new pepper of the server, long enough",
            "pepper_old": "the old pepper of the server, long enough",
        }
    ):
        assert verified("s", client)
        assert not verified("x", client)
        assert secrets.needs_rehash("s", client=client)
        assert not secrets.needs_rehash("x", client=client), "only the present secret is kept"


@pytest.mark.parametrize(("after", "expected"), [(0, True), (59, True), (60, False)])
def test_the_previous_secret_counts_until_its_overlap_ends(after, expected):
    client = Client(
        client_secret=secrets.digest_secret("new"),
        previous_secret=secrets.digest_secret("old"),
        previous_secret_expires_at=NOW + timedelta(seconds=60),
    )
    moment = NOW + timedelta(seconds=after)

    assert verified("new", client, now=moment)
    assert verified("old", client, now=moment) == expected


def test_a_previous_secret_without_an_end_does_not_count():
    client = Client(
        client_secret=secrets.digest_secret("new"), previous_secret=secrets.digest_secret("old")
    )

    assert not verified("old", client)


def test_an_imported_secret_is_right_and_wants_to_be_stored_anew():
    client = Client(client_secret=bcrypt.hashpw(b"s", bcrypt.gensalt(rounds=4)).decode())

    assert verified("s", client)
    assert not verified("x", client)
    assert secrets.needs_rehash("s", client=client)
    assert not secrets.needs_rehash("x", client=client)
