"""`make bench`: measure our server and the baseline, one after the other, and write the report."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

from bench import delegation, gateway, load, machine, report, servers
from tests.support.server import free_port
from tests.support.upstream import running_upstream

PAGE = servers.ROOT / "docs" / "benchmarks.md"
CHART = servers.ROOT / "docs" / "assets" / "benchmarks.svg"
OURS, BASELINE = "authplane", "tuned DOT"
SLOW_DISK = 500
"""Microseconds for one write to be promised."""
LOCAL = "postgres://postgres@127.0.0.1:5432/postgres"


def arguments() -> argparse.Namespace:
    """What the caller wants."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--database", default=os.environ.get("DATABASE_URL", LOCAL))
    parser.add_argument("--seconds", type=int, default=4, help="length of a round")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of which the median counts")
    parser.add_argument("--only", choices=("ours", "baseline"), help="leave the other one out")
    parser.add_argument("--dry", action="store_true", help="print, but do not write the page")
    return parser.parse_args()


def measure_server(
    name: str,
    variant: servers.Variant,
    *,
    options: argparse.Namespace,
    application: str,
    filled: servers.Filled,
    routes: servers.Routes,
    port: int,
) -> report.Result:
    """All measurements of one server in one variant."""
    base = f"http://127.0.0.1:{port}"
    samples: dict[str, load.Sample] = {}
    with servers.serving(
        application, variant, environment=filled.environment, port=port, probe=routes.metadata
    ) as root:
        plans = servers.plans(base, routes=routes, facts=filled.facts)
        at_start = machine.memory_of(root)
        print(f"\n{name}, {variant.label}", flush=True)
        for plan in plans:
            sample = load.measure(plan, base=base, seconds=options.seconds, rounds=options.rounds)
            samples[plan.name] = sample
            print(
                f"  {plan.name:<20} {sample.rate:>9,.0f}/s   "
                f"p50 {sample.p50_ms:6.1f} ms   p99 {sample.p99_ms:6.1f} ms",
                flush=True,
            )
        after_load = machine.memory_of(root)
    print(f"  memory {after_load.rss:.0f} MiB RSS, {after_load.pss:.0f} MiB PSS", flush=True)
    return report.Result(name, variant.label, samples, at_start, after_load)


def granians() -> list[servers.Variant]:
    """The usual one, and one with more threads where the disk is slow; for both servers alike."""
    slow = machine.sync_microseconds() > SLOW_DISK
    return [servers.GRANIAN, servers.GRANIAN_WIDE] if slow else [servers.GRANIAN]


def measure_ours(variant: servers.Variant, options: argparse.Namespace) -> report.Result:
    """Our server in this variant, both listeners."""
    with (
        tempfile.TemporaryDirectory(prefix="authplane-bench-") as data,
        servers.fresh_database(options.database) as database,
        delegation.identity_provider() as idp,
        running_upstream(scope="read") as upstream,
    ):
        port = free_port()
        filled = servers.fill_ours(database, port=port, data=data, idp=idp, upstream=upstream.url)
        result = measure_server(
            OURS,
            variant,
            options=options,
            application="authplane.wsgi:application",
            filled=filled,
            routes=servers.OURS,
            port=port,
        )
        result.samples.update(measure_data_plane(variant, options=options, filled=filled))
    return result


def measure_data_plane(
    variant: servers.Variant, *, options: argparse.Namespace, filled: servers.Filled
) -> dict[str, load.Sample]:
    """What the operator listener answers to proxy servers."""
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    environment = filled.environment | {"AUTHPLANE_LISTENER": "operator"}
    samples = {}
    with servers.serving(
        "authplane.wsgi:application", variant, environment=environment, port=port, probe="/livez"
    ):
        key = environment["AUTHPLANE_FORWARD_AUTH_KEY"]
        for plan in gateway.checks(facts=filled.facts, key=key):
            sample = load.measure(plan, base=base, seconds=options.seconds, rounds=options.rounds)
            samples[plan.name] = sample
            print(f"  {plan.name:<24} {sample.rate:>9,.0f}/s   p50 {sample.p50_ms:6.1f} ms")
    return samples


def measure_baseline(variant: servers.Variant, options: argparse.Namespace) -> report.Result:
    """The baseline in this variant."""
    port = free_port()
    with servers.fresh_database(options.database) as database:
        return measure_server(
            BASELINE,
            variant,
            options=options,
            application="bench.baseline.plain.wsgi:application",
            filled=servers.fill_baseline(database, port=port),
            routes=servers.PLAIN,
            port=port,
        )


def measure_all(options: argparse.Namespace) -> list[report.Result]:
    """Both behind Granian, one right after the other, then each behind its kind of gunicorn.

    A machine that others use too is not equally fast all the time: what is compared is measured
    as close together as can be.
    """
    turns = [
        (measure, variant) for variant in granians() for measure in (measure_ours, measure_baseline)
    ]
    turns += [(measure_baseline, servers.GUNICORN_SYNC), (measure_ours, servers.GUNICORN)]
    left_out = {"ours": measure_baseline, "baseline": measure_ours}.get(options.only)
    return [measure(variant, options) for measure, variant in turns if measure is not left_out]


def main() -> int:
    """0 when everything was measured; the page is written by a complete run only."""
    options = arguments()
    facts = machine.describe(database=servers.database_description(options.database))
    for name, value in facts:
        print(f"{name:<11} {value}")
    results = measure_all(options)
    if options.only:
        return 0
    driver = "wrk" if shutil.which("wrk") else "the built-in driver (slower than wrk)"
    page = report.document(
        results,
        ours=OURS,
        baseline=BASELINE,
        machine=facts,
        driver=driver,
        method=(
            f"{load.WARM_UP_SECONDS} s of warm-up, then the median of {options.rounds} rounds of"
            f" {options.seconds} s; 16 connections for single requests, 8 for flows; HTTP without"
            " TLS over loopback; a fresh database for each variant"
        ),
    )
    print("\n" + "\n".join(report.ratios(results, ours=OURS, baseline=BASELINE)))
    if not options.dry:
        CHART.parent.mkdir(parents=True, exist_ok=True)
        CHART.write_text(report.chart(results, ours=OURS, baseline=BASELINE), encoding="utf-8")
        PAGE.write_text(page, encoding="utf-8")
        print(f"\nwritten to {Path(PAGE).relative_to(servers.ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
