"""One load run against one server: wrk where it is installed, else a driver of our own."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SCRIPTS = Path(__file__).parent / "wrk"
WARM_UP_SECONDS = 2
SINGLE = ("single", "once")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked of a server, over and over."""

    name: str
    script: str  # "single", "once", "refresh" or "code"
    environment: dict[str, str]
    chain_starts: Callable[[], list[str]] = list
    """Makes first tokens, one per chain. A run ends with an answer in flight, so that nobody knows
    the last token of a chain; each run therefore starts chains of its own."""

    @property
    def connections(self) -> int:
        """16 for single requests; 8 chains, each on a connection of its own."""
        return 16 if self.script in SINGLE else 8

    @property
    def threads(self) -> int:
        """Chains need one thread each, so that their answers come in order."""
        return 2 if self.script in SINGLE else self.connections


@dataclass(frozen=True, slots=True)
class Sample:
    """What one run of one plan came to. `rate` counts flows, latencies are per HTTP request."""

    rate: float
    p50_ms: float
    p99_ms: float
    errors: int
    first_error: str = ""


def measure(plan: Plan, *, base: str, seconds: int, rounds: int) -> Sample:
    """The median round after a warm-up. Raises: RuntimeError for an unexpected answer."""
    with tempfile.TemporaryDirectory(prefix="authplane-bench-") as folder:
        tokens = Path(folder) / "tokens"
        environment = plan.environment | {"BENCH_TOKENS": str(tokens)}
        samples = []
        for length in [WARM_UP_SECONDS, *[seconds] * rounds]:
            tokens.write_text("".join(f"{token}\n" for token in plan.chain_starts()))
            samples.append(run_once(plan, base=base, seconds=length, environment=environment))
        samples = samples[1:]
    for sample in samples:
        if sample.errors:
            raise RuntimeError(f"{plan.name}: {sample.errors} bad answers: {sample.first_error}")
    middle = statistics.median_low([sample.rate for sample in samples])
    return next(sample for sample in samples if sample.rate == middle)


def run_once(plan: Plan, *, base: str, seconds: int, environment: dict[str, str]) -> Sample:
    """One run of `seconds`."""
    program = shutil.which("wrk")
    if program is None:
        from bench.driver import drive

        return drive(plan, base=base, seconds=seconds, environment=environment)
    done = subprocess.run(
        [
            program, "-t", str(plan.threads), "-c", str(plan.connections), "-d", f"{seconds}s",
            "--timeout", "10s", "-s", str(SCRIPTS / f"{plan.script}.lua"), base,
        ],
        env=os.environ
        | environment
        | {"BENCH_SCRIPTS": str(SCRIPTS), "BENCH_THREADS": str(plan.threads)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    result, first_error = None, ""
    for line in done.stdout.splitlines():
        if line.startswith("RESULT "):
            result = [int(float(number)) for number in line.split()[1:]]
        elif line.startswith("FIRST_BAD "):
            first_error = line.removeprefix("FIRST_BAD ")
    if result is None:
        raise RuntimeError(f"{plan.name}: {done.stdout}{done.stderr}")
    count, microseconds, p50, p99, errors = result
    return Sample(
        rate=count / (microseconds / 1e6),
        p50_ms=p50 / 1000,
        p99_ms=p99 / 1000,
        errors=errors,
        first_error=first_error[:300],
    )
