"""A service whose tokens are not ours is no resource of an identity assertion."""

from __future__ import annotations

import uuid

import pytest

from tests.spec.id_jag.test_order import refuse
from tests.support.factories import make_resource
from tests.support.refusals import INVALID_TARGET

pytestmark = pytest.mark.django_db


@pytest.mark.spec("RFC 8707", "2", "MUST", "an unknown resource is invalid_target")
def test_a_brokered_resource_is_refused(ema):
    forge = make_resource(slug="forge", backend_kind="broker", broker_provider=uuid.uuid4())
    refuse(ema, ema.assertion(resource=forge.uri), "resource_unknown", INVALID_TARGET)
    refuse(
        ema, ema.assertion(resource=None), "resource_unknown", INVALID_TARGET, resource=forge.uri
    )
