"""Every operation of the operator API, with requests that were made from its document."""

from __future__ import annotations

import os

import pytest

from admin_api.specification import operator_document
from tests.operator.conftest import KEY
from tests.support import factories
from tests.support.fuzzing import Fuzzer

SECONDS = float(os.environ.get("AUTHPLANE_FUZZ_SECONDS", "25"))

pytestmark = pytest.mark.slow


@pytest.fixture
def real(db):
    """Ids of what there is, by where its routes begin."""
    user, client = factories.make_user(), factories.make_client()
    resource = factories.make_resource()
    return {
        "/admin/users": {"user_id": str(user.pk)},
        "/admin/staff": {"user_id": str(user.pk)},
        "/admin/clients": {"client_id": client.client_id},
        "/admin/resources/{resource_id}": {"resource_id": str(resource.pk)},
        "/admin/resources/{slug}": {"slug": resource.slug, "client_id": client.client_id},
    }


def test_no_request_is_answered_in_a_way_that_is_not_documented(real, override_config):
    override_config(admin={"rps": 0.0, "burst": 0})
    fuzzer = Fuzzer(operator_document(), headers={"Authorization": f"Bearer {KEY}"})

    fuzzer.run(real, seconds=SECONDS)

    assert not fuzzer.found, "\n".join(f"{what}\n    {how}" for what, how in fuzzer.found.items())
    assert {200, 400, 404} <= set(fuzzer.statuses), fuzzer.statuses
