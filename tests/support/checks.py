"""`make check`: everything that can be said about the project without running its tests.

Every check runs, two at a time; the ones that fail print what they said.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

MATRIX = "docs/reference/spec-matrix.md"
ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
CODE = [
    "authplane",
    "audit",
    "oauth",
    "broker",
    "admin_api",
    "deploy/demo",
    "bench",
    "docs",
    "tests",
]


@dataclass(frozen=True, slots=True)
class Check:
    """One command that has to succeed."""

    name: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a check."""

    check: Check
    code: int
    output: str
    seconds: float


def production_environment() -> dict[str, str]:
    """A configuration that the production settings accept, with secrets of this moment."""
    names = [
        "AUTHPLANE_SESSION_SECRET",
        "AUTHPLANE_CSRF_SECRET",
        "AUTHPLANE_INTEGRITY_KEY",
        "AUTHPLANE_CLIENT_SECRET_PEPPER",
        "AUTHPLANE_ADMIN_API_KEY",
        "METRICS_PASSWORD",
    ]
    return {name: secrets.token_urlsafe(48) for name in names} | {
        "DJANGO_SETTINGS_MODULE": "authplane.settings.production",
        "AUTHPLANE_SERVER_ISSUER": "https://auth.example.com",
        "AUTHPLANE_SESSION_SECURE": "true",
        "AUTHPLANE_DATA_ENCRYPTION_KEY": secrets.token_hex(32),
        "METRICS_USERNAME": "metrics",
        "DATABASE_URL": "postgres://authplane@127.0.0.1:5432/authplane",
        "REDIS_URL": "redis://127.0.0.1:6379/0",
    }


def checks() -> list[Check]:
    """All of them, the slow ones first."""
    tool = {
        name: str(BIN / name) for name in ("ruff", "mypy", "lint-imports", "mkdocs", "hadolint")
    }
    manage = [sys.executable, "manage.py"]
    plain = {"AUTHPLANE_TEST_PLAIN": "1"}
    testing = plain | {"DJANGO_SETTINGS_MODULE": "authplane.settings.test"}
    production = production_environment()
    deploy = ["check", "--deploy", "--fail-level", "WARNING"]
    python = [folder for folder in CODE if (ROOT / folder).exists()] + ["manage.py"]
    site = ["build", "--strict", "--site-dir", str(ROOT / "site")]
    return [
        Check("types", [tool["mypy"]], testing),
        Check("docs build", [tool["mkdocs"], *site], {"NO_MKDOCS_2_WARNING": "1"}),
        Check("format", [tool["ruff"], "format", "--check", *python]),
        Check("lint", [tool["ruff"], "check", *python]),
        Check("import contracts", [tool["lint-imports"], "--cache-dir", ".import_linter_cache"]),
        Check("migrations", [*manage, "makemigrations", "--check", "--dry-run"], testing),
        Check("deploy check, public", [*manage, *deploy], production),
        Check(
            "deploy check, operator",
            [*manage, *deploy],
            production | {"AUTHPLANE_LISTENER": "operator"},
        ),
        Check("generated pages", [sys.executable, "-m", "authplane.reference", "--check"], testing),
        Check(
            "specification matrix",
            [sys.executable, "-m", "pytest", "-q", "tests", f"--spec-matrix-check={MATRIX}"],
            plain,
        ),
        Check("image", [tool["hadolint"], "Dockerfile"]),
        Check("compose", [sys.executable, "-m", "tests.support.compose"]),
    ]


def run(check: Check) -> Outcome:
    """The outcome of one check."""
    started = time.monotonic()
    done = subprocess.run(
        check.command,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | check.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return Outcome(check, done.returncode, done.stdout, time.monotonic() - started)


def main() -> int:
    """0 when every check succeeded."""
    failed = 0
    with ThreadPoolExecutor(max_workers=2) as pool:
        for outcome in pool.map(run, checks()):
            verdict = "ok    " if outcome.code == 0 else "FAILED"
            print(f"{verdict} {outcome.check.name} ({outcome.seconds:.0f} s)", flush=True)
            if outcome.code != 0:
                failed += 1
                print(outcome.output, flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
