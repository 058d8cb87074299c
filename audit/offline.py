"""`python -m audit.offline FILE --key KEYS`: verify an export. No database, no configuration."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from audit.sealing.checkpoint import Jwk
from audit.sealing.lines import BadExport, verify_lines


def main(arguments: list[str] | None = None) -> int:
    """The report is printed; 0 when nothing was found, 1 when something was, 2 for a bad file."""
    parser = argparse.ArgumentParser(prog="audit.offline", description=__doc__)
    parser.add_argument("file", type=Path, help="what `manage.py audit export` wrote")
    parser.add_argument("--key", type=Path, required=True, help="public keys: a JWK or a JWK set")
    parser.add_argument("--anchor", type=Path, help="anchored checkpoints, one a line")
    asked = parser.parse_args(arguments)
    try:
        report = verify_file(asked.file, keys=asked.key, anchor=asked.anchor)
    except (BadExport, OSError, ValueError, KeyError) as error:
        print(f"cannot verify: {error}", file=sys.stderr)  # noqa: T201 - a command
        return 2
    print(json.dumps(report, indent=1))  # noqa: T201 - a command
    return 0 if report["valid"] else 1


def verify_file(file: Path, *, keys: Path, anchor: Path | None = None) -> dict[str, Any]:
    """The report about an export, as JSON has it.

    Raises: BadExport, OSError, ValueError.
    """
    with file.open(encoding="utf-8") as lines:
        return verify_lines(
            lines, trusted=read_keys(keys), anchored=read_anchor(anchor) if anchor else None
        ).shown()


def read_keys(file: Path) -> list[Jwk]:
    """The keys of a file with one JWK or a set of them. Raises: OSError, ValueError."""
    document = json.loads(file.read_text(encoding="utf-8"))
    found: list[Jwk] = document.get("keys", [document])
    return found


def read_anchor(file: Path) -> list[str]:
    """The checkpoints of an anchor file. Raises: OSError."""
    return file.read_text(encoding="ascii").split()


if __name__ == "__main__":
    sys.exit(main())
