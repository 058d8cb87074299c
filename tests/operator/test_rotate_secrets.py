"""Every stored thing survives the rotation of the secret it depends on."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from authplane.core.config import config
from authplane.core.hashing import new_secret
from oauth.keys import rotation, store
from tests.support import factories

pytestmark = pytest.mark.django_db(transaction=True)

NEW_DATA_KEY = "5c" * 32


def rotated() -> dict[str, int]:
    out = StringIO()
    call_command("rotate_secrets", json=True, stdout=out)
    return json.loads(out.getvalue())


def test_signing_keys_open_under_the_new_data_key_alone(override_config):
    rotation.ensure_first_key()
    before = store.public_jwks()
    old = config().secrets.data
    override_config(secrets={"data": NEW_DATA_KEY, "data_old": old})

    assert rotated()["keys_resealed"] == 1
    assert rotated()["keys_resealed"] == 0

    override_config(secrets={"data": NEW_DATA_KEY, "data_old": ""})
    rotation.require_usable_key()
    assert store.public_jwks() == before


def test_without_the_old_data_key_nothing_changes_and_the_command_fails(override_config):
    rotation.ensure_first_key()
    override_config(secrets={"data": NEW_DATA_KEY, "data_old": ""})

    with pytest.raises(CommandError, match="AUTHPLANE_DATA_ENCRYPTION_KEY_OLD"):
        rotated()


@pytest.mark.shows("setting", "client_secret_pepper", "client_secret_pepper_old")
def test_a_client_secret_moves_to_the_new_pepper_when_it_is_used(oauth, override_config):
    rotation.ensure_first_key()
    client = factories.make_confidential_client(scope="")
    driver = factories.driver_for(client, base=oauth)
    old = config().secrets.pepper
    override_config(secrets={"pepper": new_secret(), "pepper_old": old})
    assert rotated()["clients_on_old_pepper"] == 1

    assert driver.client_credentials().status_code == 200

    assert rotated()["clients_on_old_pepper"] == 0
    override_config(secrets={"pepper_old": ""})
    assert driver.client_credentials().status_code == 200


@pytest.mark.shows("setting", "client_secret_pepper", "client_secret_pepper_old")
def test_without_the_old_pepper_an_old_secret_is_refused(oauth, override_config):
    client = factories.make_confidential_client(scope="")
    override_config(secrets={"pepper": new_secret(), "pepper_old": ""})

    refused = factories.driver_for(client, base=oauth).client_credentials()

    assert (401, "invalid_client") == (refused.status_code, refused.json()["error"])
