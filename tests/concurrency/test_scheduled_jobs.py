"""Beat may send a job to several workers at once. Real processes; one of them does it."""

from __future__ import annotations

import pytest

from oauth.maintenance.jobs import JOBS
from tests.support.forked import together

PROCESSES = 4


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", ["oauth.purge_state", "oauth.rotate_keys"])
def test_of_several_processes_one_does_the_job(name):
    from authplane.core.models import ScheduledRun

    job = JOBS[name]

    def work():
        return [job.run(every=job.every).ran, ScheduledRun.objects.get(name=name).runs]

    answers = together(work, count=PROCESSES)

    assert 1 == sum(ran for ran, _ in answers)
    assert {1} >= {runs for _, runs in answers} - {0}
    assert ScheduledRun.objects.get(name=name).runs == 1
