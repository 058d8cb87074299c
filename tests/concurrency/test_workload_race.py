"""A workload token for one use, presented sixteen times at once to real processes."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.support.factories import make_client
from tests.support.platforms import JWT_BEARER, Platform
from tests.support.storm import storm

pytestmark = [pytest.mark.server, pytest.mark.postgres]


def test_of_sixteen_parallel_uses_one_succeeds(crowd_server):
    from oauth.models import AccessToken

    row = make_client(grant_types=[JWT_BEARER], scope="read")
    platform = Platform()
    rule = {"subject": platform.subject, "client_id": row.client_id, "single_use": True}
    running = crowd_server()
    platform.register(rule, audience=running.url)

    for _ in range(3):
        before = AccessToken.objects.filter(kind="workload").count()
        form = {"grant_type": JWT_BEARER, "assertion": platform.token(aud=running.url)}

        answers = storm(
            running.url,
            lambda http, form=form: http.post(
                "/oauth/token", data=form, headers={"Accept": "application/json"}
            ),
        )

        assert Counter(answer.status_code for answer in answers) == {200: 1, 400: 15}
        assert AccessToken.objects.filter(kind="workload").count() == before + 1
