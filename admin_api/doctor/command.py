"""`manage.py authplane doctor`: findings in words or as JSON; exit status 1 when one is wrong."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from typing import Final, NoReturn

from admin_api.doctor.findings import Level
from admin_api.doctor.running import CHECKS, Told, examine, is_wrong
from admin_api.doctor.scene import Scene

MARKS: Final = {
    Level.FINE: "ok     ", Level.SUSPICIOUS: "warning", Level.WRONG: "WRONG  ",
    Level.UNKNOWN: "skipped",
}  # fmt: skip

log = logging.getLogger(__name__)


def main(words: Sequence[str]) -> int:
    """0: nothing is wrong. 1: something is; what to do stands below it."""
    asked = _parser().parse_args(list(words))
    if asked.list:
        for name, check in CHECKS.items():
            sys.stdout.write(f"{name.ljust(18)}{(check.__doc__ or '').strip()}\n")
        return 0
    scene = Scene.here(timeout=asked.timeout)
    found = examine(scene, only=asked.only or ())
    if asked.json:
        sys.stdout.write(json.dumps(document(scene, found)) + "\n")
    else:
        _tell(found)
    return int(is_wrong(found))


def document(scene: Scene, found: Sequence[Told]) -> dict[str, object]:
    """The findings for programs."""
    return {
        "issuer": scene.issuer,
        "ok": not is_wrong(found),
        "checks": [
            {
                "check": one.check,
                "findings": [
                    {"level": finding.level.value, "text": finding.text, "advice": finding.advice}
                    for finding in one.findings
                ],
            }
            for one in found
        ],
    }


def _tell(found: Sequence[Told]) -> None:
    counted = dict.fromkeys(Level, 0)
    for one in found:
        for finding in one.findings:
            counted[finding.level] += 1
            sys.stdout.write(f"{MARKS[finding.level]}  {one.check.ljust(17)} {finding.text}\n")
            if finding.advice:
                sys.stdout.write(f"{' ' * 28}{finding.advice}\n")
    sys.stdout.write(
        f"\n{counted[Level.WRONG]} wrong, {counted[Level.SUSPICIOUS]} to look at, "
        f"{counted[Level.FINE]} good, {counted[Level.UNKNOWN]} skipped.\n"
    )


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{message} (see: {self.prog} --help)\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="authplane doctor", allow_abbrev=False,
        description="Checks this deployment, from this machine, and says what to do. Reads only.",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--only", action="append", choices=[*CHECKS], metavar="CHECK",
                        help="this check; may be repeated")  # fmt: skip
    parser.add_argument("--list", action="store_true", help="say what is checked")
    parser.add_argument("--timeout", type=_seconds, default=5.0, metavar="SECONDS",
                        help="of each request; 5 unless said")  # fmt: skip
    return parser


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError("must be a number of seconds") from None
    if not 0 < seconds <= 60:  # noqa: PLR2004 - a minute
        raise argparse.ArgumentTypeError("must be between 0 and 60")
    return seconds
