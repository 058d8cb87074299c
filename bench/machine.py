"""What the figures were measured on, and what a server's processes weigh."""

from __future__ import annotations

import os
import platform
import statistics
import sysconfig
import tempfile
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Memory:
    """Of a process and its descendants, in MiB. PSS counts shared pages once."""

    rss: float
    pss: float


def describe(*, database: str) -> list[tuple[str, str]]:
    """Facts about this machine, in the order of the report."""
    return [
        ("CPU", f"{_cpu_model()}, {os.cpu_count()} cores"),
        ("Memory", f"{_total_memory_gib():.0f} GiB"),
        ("System", f"{_system()}, kernel {platform.release()}"),
        ("Disk", f"one 8 KiB write with fdatasync: {sync_microseconds():.0f} µs (median)"),
        ("Python", f"{platform.python_version()}, {_optimised()}"),
        ("PostgreSQL", database),
        ("Other work", f"load average {os.getloadavg()[0]:.1f} before the run"),
        (
            "Packages",
            ", ".join(
                f"{name} {version(name)}"
                for name in (
                    "django", "django-oauth-toolkit", "granian", "gunicorn", "psycopg", "pyjwt",
                    "cryptography",
                )
            ),
        ),
    ]  # fmt: skip


def memory_of(root: int) -> Memory:
    """RSS and PSS of the process tree below and including `root`."""
    rss = pss = 0
    for process in _tree(root):
        try:
            lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
        except (OSError, ProcessLookupError):
            continue
        for line in lines:
            name, _, value = line.partition(":")
            if name == "Rss":
                rss += int(value.split()[0])
            elif name == "Pss":
                pss += int(value.split()[0])
    return Memory(rss=rss / 1024, pss=pss / 1024)


def cpu_seconds(*processes: int) -> float:
    """Processor time that these processes took so far, in user code and in the kernel.

    Raises: OSError when one of them is gone.
    """
    ticks = 0
    for process in processes:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _tree(root: int) -> list[int]:
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                status = (entry / "stat").read_text()
            except OSError:
                continue
            parents.setdefault(int(status.rpartition(")")[2].split()[1]), []).append(
                int(entry.name)
            )
    found, queue = [], [root]
    while queue:
        process = queue.pop()
        found.append(process)
        queue += parents.get(process, [])
    return found


def _cpu_model() -> str:
    for line in _lines("/proc/cpuinfo"):
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _total_memory_gib() -> float:
    for line in _lines("/proc/meminfo"):
        if line.startswith("MemTotal"):
            return int(line.split()[1]) / 1024**2
    return 0.0


def _system() -> str:
    for line in _lines("/etc/os-release"):
        if line.startswith("PRETTY_NAME="):
            return line.partition("=")[2].strip('"')
    return platform.system()


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


def sync_microseconds() -> float:
    """How long the disk takes to promise one page; it bounds every durable figure."""
    block, times = os.urandom(8192), []
    with tempfile.NamedTemporaryFile(dir=".") as file:
        for _ in range(200):
            begun = time.perf_counter()
            os.pwrite(file.fileno(), block, 0)
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - begun)
    return statistics.median(times) * 1e6


def _optimised() -> str:
    arguments = sysconfig.get_config_var("CONFIG_ARGS") or ""
    flags = [name for name in ("--enable-optimizations", "--with-lto") if name in arguments]
    return f"built with {' '.join(flags)}" if flags else "built without PGO and LTO"
