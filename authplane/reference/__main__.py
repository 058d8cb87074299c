"""Writes the generated pages, or with `--check` says which of them are not what the code says."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import django

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """0 when every page is fresh, or was written."""
    parser = argparse.ArgumentParser(prog="python -m authplane.reference", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, fail for stale pages")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "authplane.settings.test")
    django.setup()

    from authplane.reference.pages import PAGES  # noqa: PLC0415 - needs the apps to be loaded

    stale = []
    for name, page in PAGES.items():
        target = ROOT / "docs" / "reference" / name
        text = page().rstrip("\n") + "\n"
        if target.exists() and target.read_text(encoding="utf-8") == text:
            continue
        stale.append(name)
        if not options.check:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
    for name in stale:
        sys.stdout.write(f"{'stale' if options.check else 'written'}: docs/reference/{name}\n")
    if stale and options.check:
        sys.stdout.write("run: make docs\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
