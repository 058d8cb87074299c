"""The processes that make up one server: command lines and environment, nothing is started here."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from authplane.core.supervisor import Program

if TYPE_CHECKING:
    from pathlib import Path

    from authplane.core.areas import Config

APPLICATION = "authplane.wsgi:application"


GRANIAN_LONGEST_READ = 60
"""Seconds; the server accepts no longer limit."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How a listener is served. Times are seconds."""

    server: str
    processes: int
    threads: int
    read_timeout: int = 30
    shutdown_wait: int = 10

    @classmethod
    def of(cls, config: Config, *, server: str, processes: int, threads: int) -> Shape:
        """With the times of the configuration."""
        here = config.server
        return cls(server, processes, threads, here.read_timeout, here.shutdown_wait)


def server_programs(config: Config, *, shape: Shape, data: Path, local: bool) -> list[Program]:
    """Public listener, operator listener unless it is off, and the worker with its clock."""
    programs = [
        Program(
            name="public",
            command=listener_command(config.server.address, shape=shape, local=local),
            environment={"AUTHPLANE_LISTENER": "public"},
        )
    ]
    if config.admin.enabled:
        small = replace(shape, processes=1, threads=2)
        programs.append(
            Program(
                name="operator",
                command=listener_command(config.admin.address, shape=small, local=local),
                environment={"AUTHPLANE_LISTENER": "operator"},
            )
        )
    programs.append(Program(name="worker", command=worker_command(data=data)))
    return programs


def listener_command(address: str, *, shape: Shape, local: bool) -> list[str]:
    """One WSGI server bound to `address`.

    Without a host the address means every interface, except on a server for this machine alone:
    its generated users and open registration are nobody else's business.
    """
    host, port = bound_to(address, local=local)
    if shape.server == "gunicorn":
        return _gunicorn(host, port, shape)
    return _granian(host, port, shape)


def bound_to(address: str, *, local: bool) -> tuple[str, str]:
    """Host and port that `address` means."""
    host, _, port = address.rpartition(":")
    everywhere = "127.0.0.1" if local else "0.0.0.0"  # noqa: S104 - what an empty host asks for
    return host.strip("[]") or everywhere, port


def _granian(host: str, port: str, shape: Shape) -> list[str]:
    return [
        sys.executable, "-m", "granian",
        "--interface", "wsgi",
        "--http", "1",
        "--no-ws",
        "--host", host,
        "--port", port,
        "--workers", str(shape.processes),
        "--blocking-threads", str(shape.threads),
        "--http1-header-read-timeout", str(min(shape.read_timeout, GRANIAN_LONGEST_READ) * 1000),
        "--workers-kill-timeout", str(max(1, shape.shutdown_wait)),
        "--respawn-failed-workers",
        "--log-level", "warning",
        APPLICATION,
    ]  # fmt: skip


def _gunicorn(host: str, port: str, shape: Shape) -> list[str]:
    return [
        sys.executable, "-m", "gunicorn",
        "--bind", f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
        "--worker-class", "gthread" if shape.threads > 1 else "sync",
        "--workers", str(shape.processes),
        "--threads", str(shape.threads),
        "--keep-alive", str(shape.read_timeout),
        "--graceful-timeout", str(shape.shutdown_wait),
        # Authorization requests are longer than the default allows.
        "--limit-request-line", "8190",
        "--no-control-socket",
        "--log-level", "warning",
        APPLICATION,
    ]  # fmt: skip


def worker_command(*, data: Path) -> list[str]:
    """One Celery process that runs scheduled work and also decides when it is due."""
    return [
        sys.executable, "-m", "celery",
        "--quiet",
        "--app", "authplane.celery",
        "worker",
        "--beat",
        "--pool", "solo",
        "--schedule", str(data / "beat-schedule"),
        "--loglevel", "warning",
        "--without-gossip", "--without-mingle",
    ]  # fmt: skip
