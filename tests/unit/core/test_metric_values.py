"""A forked process counts into a file of its own."""

from __future__ import annotations

import os
import subprocess
import sys

PROGRAM = """
import os
from authplane.core import metric_values
metric_values.install()
from prometheus_client import Counter
hits = Counter("hits", "Hits.")
hits.inc(1)
child = os.fork()
hits.inc(10 if child else 100)
if child:
    os.waitpid(child, 0)
    print(os.getpid(), child)
"""
READER = """
from prometheus_client import CollectorRegistry, multiprocess
registry = CollectorRegistry()
multiprocess.MultiProcessCollector(registry)
print(registry.get_sample_value("hits_total"))
"""


def run(program, folder):
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(folder)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.split()


def test_counts_of_parent_and_child_are_both_kept(tmp_path):
    parent, child = run(PROGRAM, tmp_path)

    assert {path.name for path in tmp_path.iterdir()} == {
        f"counter_{parent}.db",
        f"counter_{child}.db",
    }
    assert run(READER, tmp_path) == ["111.0"]


SERVED = """
import os
import authplane.wsgi
from authplane.core.metrics import counter
asked = []
known = os.getpid
os.getpid = lambda: asked.append(1) or known()
counter("authserver_introspection_total").labels("true").inc()
print(len(asked))
"""


def test_no_count_of_a_server_asks_for_the_process(tmp_path):
    """Whatever imports what first: a metric made too early would ask for ever."""
    environment = {
        "DJANGO_SETTINGS_MODULE": "authplane.settings.dev",
        "AUTHPLANE_DATA_DIR": str(tmp_path / "data"),
        "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3",
        "REDIS_URL": "",
    }
    done = subprocess.run(
        [sys.executable, "-c", SERVED],
        env=os.environ | environment | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.stdout.split(), done.stderr) == (["0"], ""), done.stderr
