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
