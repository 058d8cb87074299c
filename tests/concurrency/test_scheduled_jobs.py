"""Beat may send a job to several workers at once. Real processes; one of them does it."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.server import ROOT, environment_of_tests

PROCESSES = 4
WORK = """
import django; django.setup()
from oauth.maintenance.jobs import JOBS
from authplane.core.models import ScheduledRun
job = JOBS[{name!r}]
ran = job.run(every=job.every).ran
print([ran, ScheduledRun.objects.get(name={name!r}).runs])
"""


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", ["oauth.purge_state", "oauth.rotate_keys"])
def test_of_several_processes_one_does_the_job(tmp_path: Path, name):
    command = [sys.executable, "-c", WORK.format(name=name)]
    env = environment_of_tests(folder=tmp_path)
    started = [
        subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True)
        for _ in range(PROCESSES)
    ]

    answers = [ast.literal_eval(process.communicate()[0].splitlines()[-1]) for process in started]

    assert [0] * PROCESSES == [process.returncode for process in started]
    assert 1 == sum(ran for ran, _ in answers)
    assert {1} >= {runs for _, runs in answers} - {0}
