"""A service whose tokens are not ours is no resource of any grant that mints them."""

from __future__ import annotations

import uuid
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support import factories
from tests.support.digests import nothing_changes

UNKNOWN = ("RFC 8707", "2", "MUST", "an unknown resource is invalid_target")
URI = "https://forge.example.com/api"

pytestmark = [
    pytest.mark.spec(*UNKNOWN),
    pytest.mark.parametrize("named", [URI, "forge", f"{URI}/"]),
]


@pytest.fixture
def forge(db):
    return factories.make_resource(
        slug="forge", uri=URI, backend_kind="broker", broker_provider=uuid.uuid4()
    )


def refused(response):
    assert (400, "invalid_target") == (response.status_code, response.json()["error"])


def test_authorize(oauth, forge, named):
    driver = factories.driver_for(factories.make_client(), base=oauth, resource=named)
    with nothing_changes():
        location = driver.start().headers["location"]
    assert ["invalid_target"] == parse_qs(urlsplit(location).query)["error"]


def test_client_credentials(oauth, forge, named):
    driver = factories.driver_for(factories.make_confidential_client(), base=oauth)
    with nothing_changes():
        refused(driver.client_credentials(resource=named, scope="read"))


def test_refresh(oauth, forge, named):
    driver = factories.driver_for(factories.make_client(), base=oauth)
    tokens = driver.tokens(factories.person(factories.make_user()))
    with nothing_changes():
        refused(driver.refresh(tokens["refresh_token"], resource=named))
    assert driver.refresh(tokens["refresh_token"]).status_code == 200
