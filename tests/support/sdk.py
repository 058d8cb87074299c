"""The unmodified authplane-sdk from PyPI, in an environment of its own.

It is imported by the name of this project, so that the two cannot live in one. What is installed
is locked by hashes in tests/sdk. `python -m tests.support.sdk` installs it; a second call is free.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import subprocess
import sys
import threading
import venv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / "sdk"
LOCK = FOLDER / "requirements.txt"
HOME = Path(sys.prefix) / "authplane-sdk"
STAMP = HOME / ".installed"
PYTHON = HOME / "bin" / "python"
PATIENCE = 60.0

Call = Callable[..., dict[str, Any]]


def is_installed() -> bool:
    """The environment holds exactly what the lock file names."""
    return STAMP.exists() and STAMP.read_text(encoding="utf-8") == _lock_digest()


def install() -> int:
    """The locked packages are installed; the exit status of pip otherwise."""
    if is_installed():
        return 0
    venv.create(HOME, clear=True, with_pip=True)
    command = [
        str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
        "--require-hashes", "-r", str(LOCK),
    ]  # fmt: skip
    code = subprocess.run(command, check=False).returncode
    if code == 0:
        STAMP.write_text(_lock_digest(), encoding="utf-8")
    return code


@contextlib.contextmanager
def conversation(
    *, issuer: str, client_id: str, client_secret: str, dpop: str = ""
) -> Iterator[Call]:
    """`call("client_credentials", scopes=[...])` is what the SDK returned, or how it failed.

    With `dpop`, an algorithm, it proves a key of its own with every request.
    """
    # -I: the paths of this project, in which its own package has the SDK's name, are not searched.
    with subprocess.Popen(
        [str(PYTHON), "-I", str(FOLDER / "conversation.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        alarm = threading.Timer(PATIENCE, process.kill)
        alarm.start()

        def say(message: dict[str, Any]) -> dict[str, Any]:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(json.dumps(message) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
            if not line:
                assert process.stderr is not None
                raise AssertionError(f"the SDK ended early:\n{process.stderr.read()[-3000:]}")
            answer: dict[str, Any] = json.loads(line)
            return answer

        def call(do: str, **arguments: Any) -> dict[str, Any]:
            return say({"do": do} | arguments)

        try:
            say(
                {
                    "issuer": issuer,
                    "client_id": client_id,
                    "client_secret": client_secret,
                    "dpop": dpop,
                }
            )
            yield call
        finally:
            alarm.cancel()
            process.kill()


def _lock_digest() -> str:
    return hashlib.sha256(LOCK.read_bytes()).hexdigest()


if __name__ == "__main__":
    raise SystemExit(install())
