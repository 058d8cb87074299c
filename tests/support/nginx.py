"""A real nginx with the shipped configuration, moved to a port and files of the test."""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.support.server import ROOT

START_LIMIT = 10.0
FRAME = """
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {body}
}}
"""


def find_nginx() -> str | None:
    """The program; None where there is none."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")


@contextlib.contextmanager
def running_nginx(name: str, *, folder: Path, changes: Mapping[str, str]) -> Iterator[None]:
    """The shipped file `name` runs with these patterns replaced; each must occur in it."""
    body = (ROOT / "deploy" / name).read_text(encoding="utf-8")
    for pattern, replacement in changes.items():
        body, count = re.subn(pattern, replacement, body)
        assert count, f"{pattern} is not in {name}"
    conf = folder / "nginx.conf"
    conf.write_text(FRAME.format(folder=folder, body=body), encoding="utf-8")
    program = find_nginx()
    assert program is not None
    process = subprocess.Popen(
        [program, "-p", str(folder), "-c", str(conf), "-g", "daemon off;"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + START_LIMIT
        while not (folder / "nginx.pid").exists():
            if process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError((folder / "error.log").read_text(errors="replace"))
            time.sleep(0.02)
        yield
    finally:
        process.terminate()
        process.wait(START_LIMIT)
