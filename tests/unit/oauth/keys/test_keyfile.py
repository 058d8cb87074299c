from __future__ import annotations

import os
import stat

import pytest

from oauth.keys import rotation, snapshot, store
from oauth.keys.record import KeyUnavailable

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(override_config, tmp_path):
    place = tmp_path / "mounted" / "keys"
    override_config(signing={"key_store": "keyfile", "key_path": str(place)})
    return place


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_only_the_owner_can_read_the_keys(folder):
    before = os.umask(0)
    try:
        store.signing_key()
        rotation.rotate()
    finally:
        os.umask(before)

    assert 0o700 == mode(folder)
    assert {0o600} == {mode(path) for path in folder.iterdir()}


def test_nothing_of_the_keys_is_in_the_database(folder):
    from oauth.models import SigningKey

    store.signing_key()

    assert not SigningKey.objects.exists()


def test_no_draft_stays_behind(folder):
    store.signing_key()
    rotation.rotate()

    assert {"signing-keys.json", ".signing-keys.lock"} == {path.name for path in folder.iterdir()}


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"format": 2, "keys": {}}', '{"format": 1, "keys": {"k": {}}}']
)
def test_a_damaged_file_stops_instead_of_being_replaced(folder, content):
    store.signing_key()
    file = folder / "signing-keys.json"
    file.write_text(content)
    snapshot._snapshots.forget()

    with pytest.raises(KeyUnavailable):
        rotation.rotate(immediate=True)
    with pytest.raises(KeyUnavailable):
        store.signing_key()

    assert content == file.read_text()


def test_a_directory_that_cannot_be_made_is_said_plainly(folder):
    folder.parent.write_text("a file stands where the directory should be")

    with pytest.raises(KeyUnavailable, match="AUTHPLANE_SIGNING_KEY_PATH"):
        store.signing_key()
