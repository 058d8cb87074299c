"""The report of a run: a table, a small chart, and the words that make the figures honest."""

from __future__ import annotations

from dataclasses import dataclass

from bench.load import Sample
from bench.machine import Memory

BAR = 380
LEFT = 190


@dataclass(frozen=True, slots=True)
class Result:
    """One server in one variant."""

    server: str
    variant: str
    samples: dict[str, Sample]
    at_start: Memory
    after_load: Memory


def best(results: list[Result], *, server: str, plan: str) -> Sample:
    """The server's fastest variant for this plan."""
    found = [result.samples[plan] for result in results if result.server == server]
    return max(found, key=lambda sample: sample.rate)


def table(results: list[Result]) -> list[str]:
    """One line per variant and plan."""
    lines = [
        "| server | served by | work | per second | p50 ms | p99 ms |",
        "|---|---|---|---:|---:|---:|",
    ]
    for result in results:
        for name, sample in result.samples.items():
            lines.append(
                f"| {result.server} | {result.variant} | {name} | {sample.rate:,.0f} "
                f"| {sample.p50_ms:.1f} | {sample.p99_ms:.1f} |"
            )
    return lines


def memory_table(results: list[Result]) -> list[str]:
    """What the server's processes weigh."""
    lines = [
        "| server | served by | RSS / PSS at start, MiB | RSS / PSS after load, MiB |",
        "|---|---|---:|---:|",
    ]
    for result in results:
        start, end = result.at_start, result.after_load
        lines.append(
            f"| {result.server} | {result.variant} | {start.rss:.0f} / {start.pss:.0f} "
            f"| {end.rss:.0f} / {end.pss:.0f} |"
        )
    return lines


def ratios(results: list[Result], *, ours: str, baseline: str) -> list[str]:
    """Ours over the baseline, each in the variant that suits it best."""
    lines = ["| work | ours | baseline | ratio |", "|---|---:|---:|---:|"]
    compared = [result.samples for result in results if result.server == baseline]
    for name in next(iter(results)).samples:
        mine = best(results, server=ours, plan=name).rate
        if not all(name in samples for samples in compared):
            lines.append(f"| {name} | {mine:,.0f} | has none | |")
            continue
        theirs = best(results, server=baseline, plan=name).rate
        lines.append(f"| {name} | {mine:,.0f} | {theirs:,.0f} | {mine / theirs:.1f} x |")
    return lines


def chart(results: list[Result], *, ours: str, baseline: str) -> str:
    """Bars for the work that writes or reads the database, as SVG."""
    rows = [
        (
            name,
            best(results, server=ours, plan=name).rate,
            best(results, server=baseline, plan=name).rate,
        )
        for name in ("client_credentials", "code flow", "refresh", "introspection")
    ]
    longest = max(max(mine, theirs) for _, mine, theirs in rows)
    parts = []
    for number, (name, mine, theirs) in enumerate(rows):
        top = 34 + number * 52
        parts.append(f'<text x="{LEFT - 12}" y="{top + 22}" text-anchor="end">{name}</text>')
        for offset, value, colour in ((0, mine, "#0b6e4f"), (19, theirs, "#8a8f98")):
            width = max(2, value / longest * BAR)
            parts.append(
                f'<rect x="{LEFT}" y="{top + offset}" width="{width:.0f}" height="16" '
                f'fill="{colour}"/>'
                f'<text x="{LEFT + width + 6:.0f}" y="{top + offset + 13}">{value:,.0f}</text>'
            )
    height = 34 + len(rows) * 52
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 680 {height}" role="img" '
        'font-family="system-ui, sans-serif" font-size="13" fill="#30343a">'
        "<title>Requests a second, authplane and tuned django-oauth-toolkit</title>"
        f'<rect width="680" height="{height}" fill="#ffffff"/>'
        f'<rect x="{LEFT}" y="10" width="12" height="12" fill="#0b6e4f"/>'
        f'<text x="{LEFT + 18}" y="21">{ours}</text>'
        f'<rect x="{LEFT + 120}" y="10" width="12" height="12" fill="#8a8f98"/>'
        f'<text x="{LEFT + 138}" y="21">{baseline}</text>' + "".join(parts) + "</svg>\n"
    )


def document(
    results: list[Result],
    *,
    ours: str,
    baseline: str,
    machine: list[tuple[str, str]],
    driver: str,
    method: str,
) -> str:
    """The whole page."""
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench` from one run on one machine. Application, database and load",
        "generator share its cores, so treat the ratios as the result and the figures as a scale.",
        "Every token of ours is signed, stored in the ledger and audited in the same durable",
        "statement before the answer leaves; the baseline signs and stores it, and keeps no audit.",
        "Rate limits are off in both.",
        "",
        "![Requests a second](assets/benchmarks.svg)",
        "",
        "## Against a tuned plain django-oauth-toolkit",
        "",
        "Each server in the variant that is fastest for the work. The baseline is tuned by",
        "settings alone: lasting connections, a fast hash for generated secrets, ES256 tokens, no",
        "consent look-up, no middleware that its views do not need: see `bench/baseline`.",
        "",
        *ratios(results, ours=ours, baseline=baseline),
        "",
        "## Every variant",
        "",
        "The code flow is two requests, authorize and token; its figure counts flows, its",
        "latencies count requests. Latencies are under saturation: they show queueing.",
        "",
        *table(results),
        "",
        "## Memory",
        "",
        "All processes of the server, the database not counted. PSS counts shared pages once.",
        "",
        *memory_table(results),
        "",
        "## Machine and method",
        "",
        "| | |",
        "|---|---|",
        *[f"| {name} | {value} |" for name, value in machine],
        f"| Load | {driver} |",
        f"| Method | {method} |",
        "",
    ]
    return "\n".join(lines)
